// A rate limit that is never reached: what stands behind FAILED_AUTH and REQUESTS.
export default () => ({ limit: async () => ({ success: true }) });

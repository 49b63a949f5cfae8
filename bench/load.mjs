// Loads one address: with wrk as fast as it goes, or with oha at a rate.

import { join } from "node:path";

import { oha } from "./build.mjs";
import { cores } from "./machine.mjs";
import { cpuSeconds, output } from "./processes.mjs";

const script = join(import.meta.dirname, "load.lua");

/** What a client sends besides, and what Cloudflare adds: of one length for everybody, and with names that a gate has to
 * remove. */
export const CLIENT_HEADERS = {
  Accept: "application/json",
  "Accept-Encoding": "gzip, br",
  "User-Agent": "bench",
  "CF-Connecting-IP": "192.0.2.1",
  "CF-Ray": "0000000000000000-XXX",
  "X-Forwarded-Proto": "https",
  "X-Real-IP": "192.0.2.1",
};

const headerArguments = (headers) => Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);

/** As many requests as `connections` can have answered, one after the other on each. */
export async function saturate({ url, pid }, work, seconds, round) {
  const { path, method = "GET", bodyBytes = 0, headers, file, connections, isRefused = false, core = cores.load } = work;
  const cycle = file ? [file, String(round * 3571)] : [];
  const args = [
    "-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script,
    ...headerArguments({ ...CLIENT_HEADERS, ...headers }), url + path, "--", method, String(bodyBytes), ...cycle,
  ];
  const before = pid ? cpuSeconds(pid) : 0;
  const text = await output(core, "wrk", args, (seconds + 15) * 1000);
  const cpu = pid ? cpuSeconds(pid) - before : 0;
  const result = JSON.parse(/^RESULT (.*)$/m.exec(text)[1]);
  const wrong = result.broken + (isRefused ? result.requests - result.refused : result.refused);
  if (wrong > 0 || result.requests === 0) throw new Error(`${wrong} of ${result.requests} requests went wrong: ${url}${path}`);
  return { rate: result.requests / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms, requests: result.requests, cpu };
}

/** So many requests a second, each timed from when it was due. */
export async function hold({ url }, work, seconds, rate) {
  const args = [
    "--no-tui", "--output-format", "json", "--latency-correction", "-q", String(Math.round(rate)),
    "-c", String(work.connections), "-z", `${seconds}s`,
    ...headerArguments({ ...CLIENT_HEADERS, ...work.headers }), url + work.path,
  ];
  const result = JSON.parse(await output(cores.load, oha, args, (seconds + 15) * 1000));
  const wrong = Object.entries(result.statusCodeDistribution).some(([status]) => status !== "200");
  if (wrong) throw new Error(`answers other than 200 at a rate: ${JSON.stringify(result.statusCodeDistribution)}`);
  const { p50, p99 } = result.latencyPercentiles;
  return { rate: result.summary.requestsPerSec, p50Ms: p50 * 1000, p99Ms: p99 * 1000 };
}

// The least that the contract asks of the platform where a request is forwarded: what a client may not say is removed, the
// gate's own fields are set, the response gets its id, and a line is logged. It reads no field and decides nothing, so no
// gate can be faster. bench/checks.mjs holds the names of its fields against the gate's.
const ID = "00000000000000000000000000000000";
const REMOVED = ["authorization", "x-forwarded-proto", "x-real-ip"];
/** Values as long as the gate's. */
const SET = Object.entries({
  "X-Request-Id": ID,
  "X-Forwarded-Host": "127.0.0.1:65535",
  "X-Forwarded-Proto": "http",
  "X-Forwarded-For": "192.0.2.1",
  "X-Gatehouse-Assertion": `${"e".repeat(100)}.${"e".repeat(233)}.${"s".repeat(43)}`,
  "X-Forwarded-User": "user-0@example.test",
  "X-Forwarded-Groups": "Clerk",
});
const LINE = `{"outcome":"forwarded","reason":null,"user":"user-0@example.test","api_key":"00000000000000000000","route":"origin","method":"GET","status":200,"milliseconds":1,"request_id":"${ID}"}`;

export default {
  async fetch(request, env) {
    const { url } = request;
    const headers = new Headers(request.headers);
    for (const name of REMOVED) headers.delete(name);
    for (const [name, value] of SET) headers.set(name, value);
    const init = { headers, redirect: "manual", cache: "no-store" };
    const target = env.ORIGIN + url.slice(url.indexOf("/", 8));
    const sent = request.body ? fetch(new Request(target, request), init) : fetch(target, { method: request.method, ...init });
    const response = await sent;
    console.log(LINE);
    const changed = new Response(response.body, response);
    changed.headers.set("X-Request-Id", ID);
    return changed;
  },
};

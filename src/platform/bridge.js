// What a request needs of the platform's objects, one call for each need: every call between wasm and JavaScript costs as much
// as the work that it asks for, and every object that is handed over as much again (docs/benchmarks.md).

/** A request without its body: its method, its URL, then the name and the value of each header field, a line each. */
export function head(request) {
  let text = `${request.method}\n${request.url}`;
  // Neither a name nor a value can hold the end of a line (Fetch standard, §2.2.2).
  request.headers.forEach((value, name) => {
    text += `\n${name}\n${value}`;
  });
  return text;
}

/** Sends a request on to another address: redirects go back to the client, and no cache stands behind the gate. */
export function forward(fetcher, request, url, removed, set, signal) {
  const headers = new Headers(request.headers);
  if (removed) for (const name of removed.split("\n")) headers.delete(name);
  const fields = set.split("\n");
  for (let at = 0; at < fields.length; at += 2) headers.set(fields[at], fields[at + 1]);
  const init = { headers, redirect: "manual", cache: "no-store", signal };
  // A copy takes along the body, which not every method may be given, and what Cloudflare knows of the client, for another
  // Worker. An origin needs neither for most requests, and a copy costs a tenth of them.
  if (request.body || fetcher !== globalThis) return fetcher.fetch(new Request(url, request), init);
  init.method = request.method;
  return fetcher.fetch(url, init);
}

/** A response of the gate's own: each field's name and value, a line each. */
export function respond(status, body, fields) {
  const lines = fields.split("\n");
  const headers = {};
  for (let at = 0; at < lines.length; at += 2) headers[lines[at]] = lines[at + 1];
  return new Response(body, { status, headers });
}

/** A response with its request's id, and header fields that can be changed. */
export function identified(response, id) {
  let changed;
  try {
    // The response itself is its init: status, status text and every header field, Set-Cookie by Set-Cookie.
    changed = new Response(response.body, response);
  } catch {
    // A status text that HTTP takes and `Response` does not.
    changed = new Response(response.body, { status: response.status, headers: response.headers });
  }
  changed.headers.set("X-Request-Id", id);
  return changed;
}

/** A field of a response. */
export function field(response, name) {
  return response.headers.get(name) ?? undefined;
}

/** A text out of `KEYS`, or null. */
export function read(env, name, cacheTtl) {
  return env.KEYS.get(name, { cacheTtl });
}

/** Counts once for a subject. Tells whether it is within its limit. */
export async function take(env, limit, key) {
  return (await env[limit].limit({ key })).success;
}

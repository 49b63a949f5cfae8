// What a request needs of the platform's objects, one call for each need: every call between wasm and JavaScript costs as much
// as the work that it asks for, and every object that is handed over as much again (docs/benchmarks.md).

const encoder = new TextEncoder();
/** Where heads are encoded: an array for each would cost as much as all else in here. */
const room = new Uint8Array(16384);

/** A request without its body, as UTF-8: its method, its URL, then the name and the value of each header field, a line each. */
export function head(request) {
  let text = `${request.method}\n${request.url}`;
  // Neither a name nor a value can hold the end of a line (Fetch standard, §2.2.2).
  request.headers.forEach((value, name) => {
    text += `\n${name}\n${value}`;
  });
  const { read, written } = encoder.encodeInto(text, room);
  return read === text.length ? room.subarray(0, written) : encoder.encode(text);
}

/**
 * Sends a request on: redirects go back to the client, and no cache stands behind the gate. The text's lines: where to; names
 * of header fields to remove, with commas between; then the name and the value of each field to set.
 */
export function forward(fetcher, request, text, signal) {
  const headers = new Headers(request.headers);
  let at = 0;
  const line = () => {
    const end = text.indexOf("\n", at);
    const found = text.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? text.length : end + 1;
    return found;
  };
  const url = line();
  const removed = line();
  if (removed) for (const name of removed.split(",")) headers.delete(name);
  while (at < text.length) headers.set(line(), line());
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

/** Where a response leads, if it says so. */
export function location(response) {
  return response.headers.get("Location") ?? undefined;
}

/** A text out of `KEYS`, or null. */
export function read(env, name, cacheTtl) {
  return env.KEYS.get(name, { cacheTtl });
}

const isWithin = ({ success }) => success;

/** Counts a failed attempt of an address. Tells whether it is within its limit. */
export function takeAttempt(env, key) {
  return env.FAILED_AUTH.limit({ key }).then(isWithin);
}

/** Counts a request of a subject. Tells whether it is within its limit. */
export function takeRequest(env, key) {
  return env.REQUESTS.limit({ key }).then(isWithin);
}

/** A promise that is kept after so long. */
export function ring(milliseconds) {
  let timer;
  const rings = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  rings.timer = timer;
  return rings;
}

/** Lets such a promise never be kept. */
export function clear(rings) {
  try {
    clearTimeout(rings.timer);
  } catch {
    // Its request is over, and the timer with it.
  }
}

// The gate's work by hand in JavaScript: the same look-ups, checks, header fields and log line, for the configuration that
// is measured, as fast as its author could make it. Grants with limits of their own are refused, for here are none.
import { crc32 } from "./crc32.js";

const CACHE_MS = 5_000;
const ASSERTION_REUSE_SECONDS = 30;
const USAGE_INTERVAL_MS = 600_000;
const PAIR = /^([\x21-\x2b\x2d-\x39\x3b-\x7e]{1,140}):([\x21-\x2b\x2d-\x39\x3b-\x7e]{1,256})$/;
const OWN_SECRET = /^gks_[0-9a-f]{48}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** Servers read any other sign as `_`, so that all spellings of a name are one. */
const RESERVED =
  /^(?:x[^a-z0-9](?:forwarded|gatehouse)[^a-z0-9]|(?:forwarded|x[^a-z0-9](?:real[^a-z0-9]ip|original[^a-z0-9]url|rewrite[^a-z0-9]url|frappe[^a-z0-9]site[^a-z0-9]name|request[^a-z0-9]id))$)/;
const GRANT_FIELDS = new Set(["user", "api_key", "roles", "expires_at"]);
const LOGGED_USER = /^\/api\/(?:v1\/)?method\/frappe\.auth\.get_logged_user\/?$/;
const JSON_HEADERS = { "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
const UNAUTHORIZED =
  '{"exc":"[\\"frappe.exceptions.AuthenticationError: Valid credentials are required.\\"]","exc_type":"AuthenticationError","exception":"frappe.exceptions.AuthenticationError","message":"Valid credentials are required."}';
const CHALLENGE = { ...JSON_HEADERS, "WWW-Authenticate": 'token realm="gatehouse", Basic realm="gatehouse", charset="UTF-8"' };

const encoder = new TextEncoder();
const encoded = (text) => encoder.encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
const hmac = { name: "HMAC", hash: "SHA-256" };
const importKey = (bytes, usage) => crypto.subtle.importKey("raw", bytes, hmac, false, [usage]);
const sign = async (key, text) => new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));

/** A map that forgets what it learned first. */
class Bounded extends Map {
  constructor(capacity) {
    super();
    this.capacity = capacity;
  }
  put(key, value) {
    if (this.size >= this.capacity) this.delete(this.keys().next().value);
    this.set(key, value);
  }
}

const grants = new Bounded(2048);
const assertions = new Bounded(2048);
const usage = new Bounded(8192);
const blocked = new Bounded(4096);
let keys;

async function prepare(env) {
  const pepper = await importKey(encoder.encode(env.TOKEN_PEPPER), "sign");
  const { k } = JSON.parse(env.ASSERTION_JWK);
  const thumbprint = await crypto.subtle.digest("SHA-256", encoder.encode(`{"k":"${k}","kty":"oct"}`));
  const kid = new Uint8Array(thumbprint).toBase64({ alphabet: "base64url", omitPadding: true });
  keys = {
    digest: await importKey(await sign(pepper, "gatehouse/digest/1"), "sign"),
    seal: await importKey(await sign(pepper, "gatehouse/seal/1"), "verify"),
    assertion: await importKey(Uint8Array.fromBase64(k, { alphabet: "base64url" }), "sign"),
    assertionHeader: encoded(JSON.stringify({ alg: "HS256", kid, typ: "JWT" })),
  };
}

/** The pair that the request brings, or why there is none. */
function credentials(value) {
  if (value === null) return { reason: "no credentials" };
  const [, scheme, payload] = /^[ \t]*(token|basic) +([^ \t,]+)[ \t]*$/i.exec(value) ?? [];
  if (!scheme) return { reason: "no credentials of the gate's" };
  const isBasic = scheme.length === 5 && scheme[0].toLowerCase() === "b";
  if (isBasic && (payload.length > 532 || !BASE64.test(payload))) return { reason: "Basic without valid base64" };
  const match = PAIR.exec(isBasic ? atob(payload) : payload);
  if (!match) return { reason: "no pair" };
  const secret = match[2];
  if (secret.startsWith("gks_") && !(OWN_SECRET.test(secret) && crc32(secret, 44) === secret.slice(44))) {
    return { reason: "the checksum does not fit" };
  }
  return { pair: match[0], isBasic };
}

function isCrossSite(request, webOrigin, publicUrl) {
  if (/^(?:GET|HEAD|OPTIONS|TRACE)$/.test(request.method) && !request.headers.has("upgrade")) return false;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site !== null) return site !== "same-origin" && site !== "none";
  return origin !== null && origin !== webOrigin && origin !== publicUrl;
}

async function readGrant(env, name) {
  const text = await env.KEYS.get(name, { cacheTtl: 30 });
  if (text === null) return { reason: "unknown credentials" };
  const { v, grant, seal } = JSON.parse(text);
  const bytes = Uint8Array.fromHex(seal);
  if (v !== 1 || !(await crypto.subtle.verify("HMAC", keys.seal, bytes, encoder.encode(`${name}\n${grant}`)))) {
    return { reason: "a seal that does not fit" };
  }
  const opened = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(grant, { alphabet: "base64url" })));
  if (!Object.keys(opened).every((field) => GRANT_FIELDS.has(field))) return { reason: "an unknown field" };
  return { grant: { roles: [], ...opened } };
}

async function assertion(env, name, grant, nowSeconds) {
  const kept = assertions.get(name);
  if (kept && kept.grant.user === grant.user && kept.groups === grant.roles.join() && nowSeconds - kept.at < ASSERTION_REUSE_SECONDS) {
    return kept.text;
  }
  const claims = {
    api_key: grant.api_key, aud: env.ORIGIN, exp: nowSeconds + 60, iat: nowSeconds, iss: env.PUBLIC_URL,
    roles: grant.roles, sub: grant.user,
  };
  const input = `${keys.assertionHeader}.${encoded(JSON.stringify(claims))}`;
  const signature = await sign(keys.assertion, input);
  const text = `${input}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`;
  assertions.put(name, { at: nowSeconds, grant, groups: grant.roles.join(), text });
  return text;
}

const percent = (text, plain) =>
  plain.test(text) ? text : text.replace(/[^\x21-\x24\x26-\x7e]/gu, (sign) => (sign === "%" ? "%25" : encodeURIComponent(sign)));

function outgoing(request, env, address, grant, signed, requestId, scheme, host, target) {
  const forwarded = new Request(env.ORIGIN + target, request);
  const { headers } = forwarded;
  const connection = request.headers.get("connection");
  for (const name of [...headers.keys()]) if (RESERVED.test(name)) headers.delete(name);
  if (connection !== null) {
    for (const name of connection.split(",")) {
      const trimmed = name.trim().toLowerCase();
      if (trimmed !== "" && trimmed !== "upgrade") headers.delete(trimmed);
    }
  }
  headers.delete("authorization");
  headers.set("X-Request-Id", requestId);
  headers.set("X-Forwarded-Host", host);
  headers.set("X-Forwarded-Proto", scheme);
  if (address !== null) headers.set("X-Forwarded-For", address);
  headers.set("X-Gatehouse-Assertion", signed);
  headers.set("X-Forwarded-User", percent(grant.user, /^[\x21-\x24\x26-\x7e]*$/));
  headers.set("X-Forwarded-Groups", grant.roles.map((role) => percent(role, /^[\x20-\x24\x26-\x7e]*$/)).join());
  return forwarded;
}

/** The origin's response with the request's id, and a `Location` at the origin turned to the gate. */
function incoming(response, env, requestId) {
  if (response.status < 200 || response.status > 599) return response;
  const changed = new Response(response.body, response);
  changed.headers.set("X-Request-Id", requestId);
  const location = changed.headers.get("location");
  if (location !== null) {
    const absolute = location.startsWith("//") ? env.ORIGIN.slice(0, env.ORIGIN.indexOf("/")) + location : location;
    const url = URL.parse(absolute);
    if (url?.origin === env.ORIGIN) changed.headers.set("Location", env.PUBLIC_URL + absolute.slice(url.origin.length));
  }
  return changed;
}

async function respond(request, env, context) {
  const arrivedMs = Date.now();
  const { headers, url } = request;
  const given = headers.get("x-request-id");
  const requestId = given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID().replaceAll("-", "");
  const address = headers.get("cf-connecting-ip");
  const hostAt = url.indexOf("://") + 3;
  const targetAt = url.indexOf("/", hostAt);
  const target = url.slice(targetAt);
  const pathEnd = target.indexOf("?");
  const isLoggedUser = LOGGED_USER.test(pathEnd < 0 ? target : target.slice(0, pathEnd));
  let grant = null;
  const log = (outcome, reason, status) => {
    const line = {
      outcome, reason, user: grant?.user ?? null, api_key: grant?.api_key ?? null,
      route: isLoggedUser ? "get_logged_user" : "origin", method: request.method, status,
      milliseconds: Date.now() - arrivedMs, request_id: requestId,
    };
    console.log(JSON.stringify(line));
  };
  const refuse = async (reason) => {
    if (env.LIMITS === "on" && !(await env.FAILED_AUTH.limit({ key: address })).success) blocked.put(address, arrivedMs);
    log("refused", reason, 401);
    return new Response(UNAUTHORIZED, { status: 401, headers: { ...CHALLENGE, "X-Request-Id": requestId } });
  };

  const brought = credentials(headers.get("authorization"));
  if (!brought.pair) return refuse(brought.reason);
  if (brought.isBasic && isCrossSite(request, url.slice(0, targetAt), env.PUBLIC_URL)) return refuse("a change from another site");
  if (!keys) await prepare(env);
  const name = `credential/${(await sign(keys.digest, brought.pair)).toHex()}`;
  const kept = grants.get(name);
  if (kept && arrivedMs - kept.at < CACHE_MS) {
    grant = kept.grant;
  } else {
    if (arrivedMs - (blocked.get(address) ?? -Infinity) < 60_000) return new Response(null, { status: 429 });
    const read = await readGrant(env, name);
    if (!read.grant) return refuse(read.reason);
    grant = read.grant;
    grants.delete(name);
    grants.put(name, { at: arrivedMs, grant });
  }
  const nowMs = Date.now();
  const nowSeconds = Math.floor(nowMs / 1000);
  if (grant.expires_at <= nowSeconds) return refuse("expired");
  if (env.LIMITS === "on" && !(await env.REQUESTS.limit({ key: grant.api_key })).success) return new Response(null, { status: 429 });
  if (!(nowMs - usage.get(name) < USAGE_INTERVAL_MS)) {
    usage.put(name, nowMs);
    const told = env.REGISTRY.getByName("registry").fetch("https://registry/touch", { headers: { "X-Caller": name } });
    context.waitUntil(told.catch((error) => console.error(String(error))));
  }
  if (isLoggedUser) {
    log("answered", null, 200);
    return new Response(JSON.stringify({ message: grant.user }), { headers: { ...JSON_HEADERS, "X-Request-Id": requestId } });
  }
  const signed = await assertion(env, name, grant, nowSeconds);
  const scheme = url.slice(0, hostAt - 3);
  const host = url.slice(hostAt, targetAt);
  const forwarded = outgoing(request, env, address, grant, signed, requestId, scheme, host, target);
  const response = await fetch(forwarded, { redirect: "manual", cache: "no-store" });
  log("forwarded", null, response.status);
  return incoming(response, env, requestId);
}

export default {
  fetch(request, env, context) {
    const response = respond(request, env, context);
    context.waitUntil(response.catch(() => {}));
    return response;
  },
};

/** Notes which credentials are in use. */
export class Registry {
  constructor(state) {
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS secrets (digest TEXT PRIMARY KEY, last_used_at INTEGER)");
  }
  fetch(request) {
    const digest = request.headers.get("X-Caller");
    this.sql.exec("UPDATE secrets SET last_used_at = ? WHERE digest = ?", Math.floor(Date.now() / 1000), digest);
    return new Response();
  }
}

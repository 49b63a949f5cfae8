// Counts how often each kind of request crosses between JavaScript and wasm: the Worker as built, on workerd, with local KV,
// registry and rate limits, and assertions and the log on. Fails where a request takes more crossings than
// bench/figures.json says; `--update` writes what it counted there, `--names` tells the calls by name.
//
// Crossings are counted, not timed, so neither the machine nor Miniflare's part in it matters.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

import { hold, isProgram } from "./figures.mjs";

const root = join(import.meta.dirname, "..");
const build = join(root, "build");
const ADMINISTRATOR = "a-secret-for-counting-of-32-characters";
const LOGGED_USER = "/api/method/frappe.auth.get_logged_user";
/** How often a kind of request is sent; the middle count stands, since the collector of garbage crosses when it likes. */
const TIMES = 9;

const bindings = {
  ORIGIN: "https://app.example.com",
  PUBLIC_URL: "https://gate.example.com",
  TOKEN_PEPPER: "a pepper for counting, of more than 32 bytes",
  ADMINISTRATOR_SECRET: ADMINISTRATOR,
  // Hot is hot for as long as this takes.
  CACHE_SECONDS: "3600",
};
const limit = (namespace_id) => ({ namespace_id, simple: { limit: 1_000_000, period: 60 } });

async function signingKey() {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  return JSON.stringify({ kty, crv, x, y, d });
}

async function start() {
  // As if it lay beside the built ones.
  const here = (name) => {
    const contents = readFileSync(join(import.meta.dirname, "crossings", name), "utf8");
    return { type: "ESModule", path: join(build, name), contents };
  };
  const built = [
    { type: "ESModule", path: join(build, "index.js") },
    { type: "CompiledWasm", path: join(build, "index_bg.wasm") },
  ];
  const registry = { className: "Registry", useSQLite: true };
  const gate = {
    modulesRoot: build,
    compatibilityDate: /compatibility_date = "([^"]+)"/.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1],
    bindings: { ...bindings, ASSERTION_JWK: await signingKey() },
    kvNamespaces: { KEYS: "keys" },
    ratelimits: { FAILED_AUTH: limit("1"), REQUESTS: limit("2") },
  };
  const workers = [
    {
      ...gate,
      name: "gate",
      modules: [here("worker.mjs"), here("counters.mjs"), ...built],
      durableObjects: { REGISTRY: { ...registry, scriptName: "registry" } },
      outboundService: "origin",
    },
    // In an isolate of its own, so that its crossings are not taken for the gate's.
    { ...gate, name: "registry", modules: built, durableObjects: { REGISTRY: registry } },
    {
      name: "origin",
      compatibilityDate: gate.compatibilityDate,
      modules: true,
      script: `export default { fetch: () => new Response("hello") };`,
    },
  ];
  const log = new Log(LogLevel.ERROR);
  const options = { workers, host: "127.0.0.1", port: 0, cf: false, log, handleStructuredLogs() {} };
  return new Miniflare(convertV4MiniflareOptions(options));
}

const sum = (calls) => Object.values(calls).reduce((total, count) => total + count, 0);

/**
 * A row for each kind of request: its name, the calls out of wasm, into it and together, the texts that came out of wasm and their
 * bytes, and the calls by name.
 */
export async function crossings() {
  const miniflare = await start();
  try {
    const url = await miniflare.ready;
    const send = async (path, authorization, expected, method = "GET") => {
      const response = await fetch(new URL(path, url), { method, headers: { authorization } });
      const text = await response.text();
      if (response.status !== expected) throw new Error(`${path}: ${response.status} where ${expected} was expected: ${text}`);
      return { text, counted: JSON.parse(response.headers.get("x-crossings")) };
    };
    const generate = async (user) => {
      const path = `/api/method/frappe.core.doctype.user.user.generate_keys?user=${user}`;
      const { text } = await send(path, `token Administrator:${ADMINISTRATOR}`, 200, "POST");
      const { api_key, api_secret } = JSON.parse(text).message;
      return `token ${api_key}:${api_secret}`;
    };
    const row = async (name, next, path, expected) => {
      const all = [];
      for (let times = 0; times < TIMES; times += 1) all.push((await send(path, await next(times), expected)).counted);
      const rows = all.map((counted) => {
        const [toJavaScript, toWasm] = [sum(counted.imports), sum(counted.exports)];
        return { name, toJavaScript, toWasm, together: toJavaScript + toWasm, ...counted };
      });
      return rows.sort((one, other) => one.together - other.together)[TIMES >> 1];
    };
    const hot = await generate("hot");
    for (const path of ["/warm", LOGGED_USER]) await send(path, hot, 200);
    return [
      await row("hot valid", () => hot, "/path?query=1", 200),
      await row("cold valid", (times) => generate(`cold-${times}`), "/path?query=1", 200),
      await row("garbage", () => "token k:gks_bad", "/path?query=1", 401),
      await row("wrong secret", (times) => `token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a3${times}`, "/path?query=1", 401),
      await row("get_logged_user", () => hot, LOGGED_USER, 200),
    ];
  } finally {
    await miniflare.dispose();
  }
}

/** The rows as a table in Markdown. Bytes differ by one or two from run to run: a log line tells milliseconds. */
export function table(rows) {
  const head = [
    "| request | wasm → JavaScript | JavaScript → wasm | together | texts out of wasm | their bytes |",
    "|---|--:|--:|--:|--:|--:|",
  ];
  const line = ({ name, toJavaScript, toWasm, together, texts, bytes }) =>
    `| ${name} | ${toJavaScript} | ${toWasm} | ${together} | ${texts} | ${bytes} |`;
  return [...head, ...rows.map(line)].join("\n");
}

function tellNames({ name, imports, exports }) {
  const line = ([call, count]) => `  ${count} × ${call}`;
  const list = (calls) => Object.entries(calls).map(line).join("\n");
  console.log(`\n${name}, wasm → JavaScript:\n${list(imports)}\n${name}, JavaScript → wasm:\n${list(exports)}`);
}

if (isProgram(import.meta)) {
  const rows = await crossings();
  console.log(table(rows));
  if (process.argv.includes("--names")) rows.forEach(tellNames);
  hold("crossings", Object.fromEntries(rows.map(({ name, together }) => [name, together])), 0);
}

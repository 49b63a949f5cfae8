// Who takes part, and workerd's configuration for each.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { compatibilityDate, place, workerd } from "./build.mjs";
import { PEPPER } from "./credentials.mjs";
import { cores } from "./machine.mjs";
import { startWorkerd } from "./processes.mjs";

export const PUBLIC_URL = "http://gate.test";
export const ASSERTION_JWK = JSON.stringify({ kty: "oct", k: randomBytes(32).toString("base64url") });

/** In the order in which they run, with their names in tables. */
export const names = {
  proxy: "(a) bare proxy, JavaScript",
  hono: "(b) Hono with its basic auth",
  tuned: "(c) hand-tuned JavaScript",
  gate: "(d) the gate",
  constant: "(e) a constant 401, JavaScript",
  unlimited: "(d) the gate, `LIMITS` off",
  least: "(f) the least, JavaScript",
};

const quoted = (text) => JSON.stringify(text);
const list = (items) => `[${items.join(", ")}]`;
const binding = (name, value) => `(name = ${quoted(name)}, ${value})`;
const script = (name) => `(name = "worker.js", esModule = embed ${quoted(`${name}.js`)})`;
const gateModules = [
  '(name = "index.js", esModule = embed "gate/index.js")',
  '(name = "index_bg.wasm", wasm = embed "gate/index_bg.wasm")',
];

/** What the gate is told, which the hand-tuned Worker is told too. */
export function variables(origin, limits) {
  return { TOKEN_PEPPER: PEPPER, ORIGIN: origin, LIMITS: limits, PUBLIC_URL, ASSERTION_JWK };
}

function gateBindings(origin, limits) {
  const texts = Object.entries(variables(origin, limits)).map(([name, text]) => binding(name, `text = ${quoted(text)}`));
  return [
    binding("KEYS", 'kvNamespace = "kv"'),
    ...["REQUESTS", "FAILED_AUTH"].map((name) => binding(name, 'wrapped = (moduleName = "bench:limits")')),
    binding("REGISTRY", 'durableObjectNamespace = "Registry"'),
    ...texts,
  ];
}

function write(name, { modules, bindings = [], hasRegistry = false }, originPort, kvPort) {
  const registry = hasRegistry
    ? ', durableObjectNamespaces = [(className = "Registry", uniqueKey = "registry", enableSql = true)], durableObjectStorage = (localDisk = "disk")'
    : "";
  mkdirSync(join(place, `${name}-disk`), { recursive: true });
  const worker = `(compatibilityDate = ${quoted(compatibilityDate())}, modules = ${list(modules)}, bindings = ${list(bindings)}, globalOutbound = "origin"${registry})`;
  const services = [
    `(name = "main", worker = ${worker})`,
    `(name = "origin", external = (address = "127.0.0.1:${originPort}", http = ()))`,
    `(name = "kv", external = (address = "127.0.0.1:${kvPort}", http = ()))`,
    `(name = "disk", disk = (path = ${quoted(join(place, `${name}-disk`))}, writable = true))`,
  ];
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = ${list(services)},
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  extensions = [(modules = [(name = "bench:limits", esModule = embed "limits.js", internal = true)])],
);
`;
  writeFileSync(join(place, `${name}.capnp`), text);
}

const gateWorker = (origin, limits) => ({ modules: gateModules, bindings: gateBindings(origin, limits), hasRegistry: true });

/** Starts workerd with the gate alone, on this core; `takeError` gets what it logs as errors. */
export async function startGate(core, originPort, kvPort, takeError, options = []) {
  write("gate", gateWorker(`http://127.0.0.1:${originPort}`, "on"), originPort, kvPort);
  const started = await startWorkerd(core, workerd, place, "gate.capnp", options, takeError);
  return { ...started, url: `http://127.0.0.1:${started.port}` };
}

/** Starts workerd once for each, and says where. */
export async function startContestants(originPort, kvPort) {
  const origin = `http://127.0.0.1:${originPort}`;
  const gate = (limits) => gateWorker(origin, limits);
  const workers = {
    proxy: { modules: [script("proxy")] },
    hono: { modules: [script("hono")], bindings: [binding("KEYS", 'kvNamespace = "kv"')] },
    tuned: { modules: [script("tuned")], bindings: gateBindings(origin, "on"), hasRegistry: true },
    gate: gate("on"),
    constant: { modules: [script("constant")] },
    unlimited: gate("off"),
    least: { modules: [script("least")], bindings: [binding("ORIGIN", `text = ${quoted(origin)}`)] },
  };
  const contestants = {};
  for (const [name, worker] of Object.entries(workers)) {
    write(name, worker, originPort, kvPort);
    const { pid, port } = await startWorkerd(cores.workerd, workerd, place, `${name}.capnp`);
    contestants[name] = { name, pid, url: `http://127.0.0.1:${port}` };
  }
  return contestants;
}

/** Starts the Worker that starts isolates: the gate, the minimal hello and an empty Worker. */
export async function startLoader() {
  const data = (name, file) => binding(name, `data = embed ${quoted(file)}`);
  const text = (name, file) => binding(name, `text = embed ${quoted(file)}`);
  const told = { ...variables("http://127.0.0.1:9", "off"), KEYS: {}, REGISTRY: {} };
  const bindings = [
    binding("LOADER", "workerLoader = ()"),
    binding("COMPATIBILITY_DATE", `text = ${quoted(compatibilityDate())}`),
    binding("VARIABLES", `json = ${quoted(JSON.stringify(told))}`),
    ...["gate", "hello"].flatMap((name) => [
      text(`${name}.js`, `${name}/index.js`),
      data(`${name}.wasm`, `${name}/index_bg.wasm`),
    ]),
    text("empty.js", "empty.js"),
  ];
  write("loader", { modules: [script("loader")], bindings }, 9, 9);
  return startWorkerd(cores.workerd, workerd, place, "loader.capnp", ["--experimental"]);
}

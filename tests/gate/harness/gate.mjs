// Starts the built Worker on workerd, with KV and the registry in a directory of its own, prints `READY <url> <url>`, and
// ends when its standard input does. The first address is Miniflare's, which acts for Cloudflare's edge: it tells the
// client's address, and codes bodies anew by Accept-Encoding. The second is workerd's own socket.
// Each line of input is a question, answered by `ANSWER <JSON>`; other lines are the Worker's log.

import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const { variables, origin_service, outbound, limits, usage, instrumented, kv_stand_in } = JSON.parse(process.argv[2]);
const here = import.meta.dirname;
const root = join(here, "../../..");
const build = join(root, "build");
const state = await mkdtemp(join(tmpdir(), "gatehouse-test-"));
const compatibilityDate = /compatibility_date = "([^"]+)"/.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1];

// workerd's own way to reach a server, whatever the request's URL says.
const server = (address) => ({ external: { address, http: {} } });

// A fetch of any address, led to one server: method, target, header fields and body as they were meant for another.
const lead = (address) => (incoming, response) => {
  const [host, port] = address.split(":");
  const { method, url: path, headers } = incoming;
  const outgoing = request({ host, port, method, path, headers, setHost: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(outgoing);
};

// A module of the harness, as if it lay beside the built ones.
const harnessModule = (name) => ({ type: "ESModule", path: join(build, name), contents: readFileSync(join(here, name), "utf8") });

const gate = {
  name: "gatehouse",
  modulesRoot: build,
  modules: [
    ...(instrumented || kv_stand_in ? [harnessModule("instrumented.mjs"), harnessModule("traps.mjs")] : []),
    { type: "ESModule", path: join(build, "index.js") },
    { type: "CompiledWasm", path: join(build, "index_bg.wasm") },
  ],
  compatibilityDate,
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  bindings: variables,
  ...(!kv_stand_in && { kvNamespaces: { KEYS: "keys" } }),
  durableObjects: { REGISTRY: { className: "Registry", useSQLite: true } },
  ...(limits && { ratelimits: Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, { namespace_id: name, simple: { limit, period: 60 } }])) }),
  ...(usage && { analyticsEngineDatasets: { USAGE: { dataset: "usage" } } }),
  serviceBindings: {
    ...(origin_service && { ORIGIN_SERVICE: server(origin_service) }),
    ...(kv_stand_in && { KEYS: { name: "kv", entrypoint: "Keys" } }),
  },
  ...(outbound && { outboundService: { node: lead(outbound) } }),
};
const kv = {
  name: "kv",
  modulesRoot: build,
  modules: [harnessModule("kv.mjs")],
  compatibilityDate,
  durableObjects: { STORE: { className: "Store", useSQLite: true } },
};
/** What the Worker logged since somebody asked. */
const logged = [];
const options = {
  workers: kv_stand_in ? [gate, kv] : [gate],
  host: "127.0.0.1",
  port: 0,
  cf: false,
  log: new Log(LogLevel.ERROR),
  // For tests that ask, and for people who do: refusals are what the tests are full of.
  handleStructuredLogs({ message }) {
    logged.push(message);
    if (process.env.TEST_LOG) console.error(message);
  },
};

const start = () => new Miniflare({ ...convertV4MiniflareOptions(options), resourcePersistencePath: state });

let miniflare = start();
const url = await miniflare.ready;
const direct = await miniflare.unsafeGetDirectURL("gatehouse");
// A gate that starts again keeps its addresses.
options.port = Number(url.port);
gate.unsafeDirectSockets[0].port = Number(direct.port);
console.log(`READY ${url.origin} ${direct.origin}`);

/** Ends workerd, does something while it is down, and starts it again with what was stored. */
async function restart(meanwhile) {
  await miniflare.dispose();
  await meanwhile();
  miniflare = start();
  await miniflare.ready;
}

/** Changes the registry's tables behind its back. */
async function alter(statement) {
  const { DatabaseSync } = await import("node:sqlite");
  const folder = join(state, "do", "gatehouse-Registry");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  if (files.length !== 1) throw new Error(`one registry expected, found ${files}`);
  const database = new DatabaseSync(join(folder, files[0]));
  database.exec(statement);
  database.close();
}

/** Asks the stand-in for KV. */
async function askStandIn(...question) {
  const worker = await miniflare.getWorker("kv");
  const response = await worker.fetch("http://kv/", { method: "POST", body: JSON.stringify(question) });
  const { answer, error } = await response.json();
  return error === undefined ? answer : { error };
}

const questions = kv_stand_in
  ? {
      list: () => askStandIn("names"),
      get: (name) => askStandIn("stored", name),
      put: (name, value) => askStandIn("store", name, value),
      remove: (name) => askStandIn("remove", name),
      stand_in: askStandIn,
    }
  : {
      list: async () => (await (await miniflare.getKVNamespace("KEYS")).list()).keys.map(({ name }) => name),
      get: async (name) => (await miniflare.getKVNamespace("KEYS")).get(name),
      put: async (name, value) => (await miniflare.getKVNamespace("KEYS")).put(name, value),
      remove: async (name) => (await miniflare.getKVNamespace("KEYS")).delete(name),
    };
questions.logged = () => logged.splice(0);
questions.restart = () => restart(() => {});
questions.configure = (changes) => restart(() => Object.assign(variables, changes));
questions.alter = (statement) => restart(() => alter(statement));

for await (const line of createInterface({ input: process.stdin })) {
  const [question, ...args] = JSON.parse(line);
  console.log(`ANSWER ${JSON.stringify((await questions[question](...args)) ?? null)}`);
}
await miniflare.dispose();
await rm(state, { recursive: true, force: true });

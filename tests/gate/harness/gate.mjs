// Starts the built Worker on workerd, with KV and the registry in a directory of its own, prints `READY <url>`, and
// ends when its standard input does. Each line of input is a question about KV, answered by `ANSWER <JSON>`; other lines are
// the Worker's log.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const { variables, origin_service, outbound, instrumented } = JSON.parse(process.argv[2]);
const root = join(import.meta.dirname, "../../..");
const build = join(root, "build");
const state = await mkdtemp(join(tmpdir(), "gatehouse-test-"));

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

const modules = [
  { type: "ESModule", path: join(build, "index.js") },
  { type: "CompiledWasm", path: join(build, "index_bg.wasm") },
];
if (instrumented) {
  const contents = readFileSync(join(import.meta.dirname, "instrumented.mjs"), "utf8");
  modules.unshift({ type: "ESModule", path: join(build, "instrumented.mjs"), contents });
}

const options = convertV4MiniflareOptions({
  name: "gatehouse",
  modulesRoot: build,
  modules,
  compatibilityDate: /compatibility_date = "([^"]+)"/.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1],
  bindings: variables,
  kvNamespaces: { KEYS: "keys" },
  kvPersist: join(state, "kv"),
  durableObjects: { REGISTRY: { className: "Registry", useSQLite: true } },
  durableObjectsPersist: join(state, "do"),
  serviceBindings: origin_service ? { ORIGIN_SERVICE: server(origin_service) } : {},
  ...(outbound && { outboundService: { node: lead(outbound) } }),
  host: "127.0.0.1",
  port: 0,
  cf: false,
  log: new Log(LogLevel.ERROR),
});

const miniflare = new Miniflare(options);
const url = await miniflare.ready;
const keys = await miniflare.getKVNamespace("KEYS");
console.log(`READY ${url.origin}`);

for await (const line of createInterface({ input: process.stdin })) {
  const { list, get, put, remove } = JSON.parse(line);
  let answer = null;
  if (list !== undefined) answer = (await keys.list()).keys.map(({ name }) => name);
  if (get !== undefined) answer = await keys.get(get);
  if (put !== undefined) await keys.put(put[0], put[1]);
  if (remove !== undefined) await keys.delete(remove);
  console.log(`ANSWER ${JSON.stringify(answer)}`);
}
await miniflare.dispose();
await rm(state, { recursive: true, force: true });

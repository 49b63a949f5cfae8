// `npm run bench`: the gate beside the bare runtime and what else one could write, into docs/benchmarks.md. With `--quick`
// a tenth of it, on standard output alone.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { build, installLoaders, oha, origin, workerd } from "../bench/build.mjs";
import { check } from "../bench/checks.mjs";
import { startContestants } from "../bench/contestants.mjs";
import { entries } from "../bench/credentials.mjs";
import { crossings } from "../bench/crossings.mjs";
import { count } from "../bench/instructions.mjs";
import { hold, saturate } from "../bench/load.mjs";
import { cores, isBigEnough, machineInWords } from "../bench/machine.mjs";
import { endAll, startServer } from "../bench/processes.mjs";
import { report, writeReport } from "../bench/report.mjs";
import { race } from "../bench/rounds.mjs";
import { measureSize } from "../bench/size.mjs";
import { measureStartup } from "../bench/startup.mjs";
import { median, rateOf } from "../bench/statistics.mjs";
import { paced, work, writeCredentials } from "../bench/work.mjs";
import { ensureToolchain, ensureTools, fail, root, say } from "./setup.mjs";

const isQuick = process.argv.includes("--quick");
const SECONDS = 1;
const PACED_SECONDS = isQuick ? 1 : 2;

function versions() {
  const text = (program, args) => spawnSync(program, args, { cwd: root, encoding: "utf8" }).stdout.trim().split("\n")[0];
  const hono = JSON.parse(readFileSync(join(root, "node_modules", "hono", "package.json"), "utf8")).version;
  const wrk = text("wrk", ["-v"]).match(/^wrk \S+/)[0].replace("debian/", "");
  return `${text(workerd, ["--version"])}, ${text("rustc", ["--version"]).split(" (")[0]}, Hono ${hono}, ${wrk}, ${text(oha, ["--version"])}`;
}

/** What the origin can do by itself, which has to be far more than anybody asks of it. */
async function measureOrigin(url) {
  const ask = async (row) => (await saturate({ url }, { connections: 64, ...row }, isQuick ? 1 : 3, 0)).rate;
  return {
    rate: await ask({ path: "/kibibyte" }),
    downloadRate: await ask({ path: "/mebibyte", connections: 8 }),
    uploadRate: await ask({ path: "/upload", method: "POST", bodyBytes: 1 << 20, connections: 8 }),
  };
}

async function measure() {
  const originPort = await startServer(cores.origin, origin, []);
  const kvPort = await startServer(cores.origin, process.execPath, [join(root, "bench", "kv.mjs")]);
  const contestants = await startContestants(originPort, kvPort);
  await check(contestants);
  const originUrl = `http://127.0.0.1:${originPort}`;
  const ownRate = await measureOrigin(originUrl);
  const [name] = entries().keys();
  const kvUrl = `http://127.0.0.1:${kvPort}`;
  const kv = await saturate({ url: kvUrl }, { path: `/${encodeURIComponent(name)}`, connections: 64 }, isQuick ? 1 : 3, 0);

  const rows = [];
  for (const row of work(isQuick)) {
    say(`${row.title} …`);
    const samples = await race(contestants, row, (contestant, asked, round) => saturate(contestant, asked, SECONDS, round));
    rows.push({ row, samples });
  }
  const highest = Math.max(...rows.filter(({ row }) => row.isHot).map(({ samples }) => median(samples.proxy.map(rateOf))));
  const rate = highest / 2;
  const pacedRows = [];
  for (const row of paced(isQuick)) {
    say(`latency at ${Math.round(rate)} requests a second, ${row.title} …`);
    const everybody = { ...row, contestants: [...row.contestants, "origin"] };
    const everywhere = { ...contestants, origin: { url: originUrl } };
    const samples = await race(everywhere, everybody, (contestant, asked) => hold(contestant, asked, PACED_SECONDS, rate));
    pacedRows.push({ row, samples, rate });
  }
  say("fresh isolates …");
  const startup = await measureStartup(isQuick);
  return { rows, paced: pacedRows, startup, origin: ownRate, kv };
}

if (!isBigEnough) fail("the bench needs Linux and two cores");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => endAll().then(() => process.exit(1)));
ensureToolchain();
ensureTools();
installLoaders();
say("building the contestants …");
build();
writeCredentials();
// The load's core is free whenever this process has something to do.
spawnSync("taskset", ["-a", "-p", "-c", String(cores.load), String(process.pid)]);
try {
  const began = new Date();
  const results = await measure();
  const date = began.toISOString().slice(0, 10);
  const counted = { crossings: await crossings(), instructions: count() };
  const text = report({ ...results, ...counted, size: measureSize(), date, versions: versions(), machine: machineInWords(), seconds: SECONDS });
  if (!isQuick) writeReport(text);
  console.log(text);
} catch (error) {
  say(`the bench failed: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await endAll();
}

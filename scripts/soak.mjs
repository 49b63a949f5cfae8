// `npm run soak`: the long runs that `npm test` leaves out, forty minutes, one after the other. They print what they measured,
// and put it into docs/reliability.md. `npm run soak -- load outage` runs some of them alone; `--minutes 2` makes the load
// shorter, and then nothing is written. It keeps to the cores that it is given (`taskset -c 0,3 npm run soak`).

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { soakLeavers, soakLoad } from "../bench/soak.mjs";
import { endAll } from "../bench/processes.mjs";
import { ensureToolchain, ensureTools, fail, root, run, say } from "./setup.mjs";

/** Long tests of tests/gate/soak, each a file there. They print their figures between two marks. */
const TESTS = ["revocation", "outage", "concurrency"];
const LOAD_MINUTES = 30;
const TEST_MINUTES = 30;

/** Puts figures between their markers in docs/reliability.md. */
function write(name, text) {
  const file = join(root, "docs", "reliability.md");
  const document = readFileSync(file, "utf8");
  const [begin, end] = ["begin", "end"].map((edge) => `<!-- npm run soak, ${name}: ${edge} -->`);
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/reliability.md has lost its markers of ${name}`);
  writeFileSync(file, `${document.slice(0, from)}${begin}\n${text}\n${document.slice(to)}`);
}

function runTest(name) {
  const args = ["test", "--locked", "--test", "gate", "--", "--ignored", "--nocapture", "--test-threads", "1", `soak::${name}::`];
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: TEST_MINUTES * 60_000 };
  const { status, stdout } = spawnSync("cargo", args, options);
  console.log(stdout);
  if (status !== 0) fail(`a long run failed (see above): ${name}`);
  const figures = /^FIGURES\n(.*?)\n^END$/ms.exec(stdout)?.[1];
  if (figures === undefined) fail(`${name} told no figures`);
  return figures;
}

const { values, positionals } = parseArgs({ options: { minutes: { type: "string" } }, allowPositionals: true });
const known = [...TESTS, "leavers", "load"];
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) fail(`no such run: ${unknown.join(", ")}; there are ${known.join(", ")}`);
const minutes = Number(values.minutes ?? LOAD_MINUTES);
if (!(minutes >= 1 && minutes <= 600)) fail("--minutes takes 1 to 600");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => endAll().then(() => process.exit(1)));

const chosen = known.filter((name) => positionals.length === 0 || positionals.includes(name));
ensureToolchain();
ensureTools();
const tests = chosen.filter((name) => TESTS.includes(name));
if (tests.length > 0) run(process.execPath, [join(root, "scripts", "build.mjs")], "the Worker did not build (see above)");
for (const name of tests) write(name, runTest(name));
for (const name of chosen.filter((name) => !TESTS.includes(name))) {
  say(`${name} …`);
  const { text, problems } = await (name === "load" ? soakLoad(minutes) : soakLeavers());
  console.log(text);
  if (problems.length > 0) fail(`${name}: ${problems.join("; ")}`);
  if (name !== "load" || minutes >= LOAD_MINUTES) write(name, text);
}

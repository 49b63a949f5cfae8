// Runs scripts/<name>.mjs under the Node.js that package-lock.json pins, after installing the npm packages.
// This file alone has to work with whatever Node.js runs npm here.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const installed = join(root, "node_modules", ".package-lock.json");

function fail(line) {
  console.error(`gatehouse: ${line}`);
  process.exit(1);
}

function isInstalled() {
  const wanted = ["package-lock.json", "package.json"].map((name) => statSync(join(root, name)).mtimeMs);
  return existsSync(installed) && wanted.every((time) => time <= statSync(installed).mtimeMs);
}

if (!isInstalled()) {
  console.error("gatehouse: installing npm packages (about 20 s) …");
  // Fail within seconds where the registry cannot be reached.
  const limits = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"];
  const quiet = ["--loglevel=error", "--no-audit", "--no-fund", "--engine-strict=false"];
  const npm = spawnSync("npm", ["ci", ...limits, ...quiet], { cwd: root, stdio: ["ignore", 2, 2] });
  if (npm.status !== 0) fail("`npm ci` failed (see above): is the npm registry reachable?");
}

const bin = join(root, "node_modules", ".bin");
const node = join(bin, "node");
if (!existsSync(node)) fail("the npm package `node` has no program: allow its install script and run `npm ci` again");

const [name, ...rest] = process.argv.slice(2);
const child = spawn(node, [join(root, "scripts", `${name}.mjs`), ...rest], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
});
// A terminal sends Ctrl-C to the child as well; a plain kill reaches only this process.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
// npm, when killed, tells nobody: an orphan ends by itself.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && child.kill("SIGTERM"), 1000).unref();
child.on("exit", (code, signal) => process.exit(signal ? 1 : code));

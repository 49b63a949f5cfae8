// `npm test`: everything that CI runs, in its order, with the time that each part took.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { debianPackage, ensureCargoDeny, ensureToolchain, ensureTools, fail, root, run, say, tools } from "./setup.mjs";

/** The most that the compressed Worker may weigh: wasm and glue, gzip -9. */
const SIZE_LIMIT_BYTES = 176 * 1024;
/** The most that the web page's files may weigh, compressed together. */
const PAGE_LIMIT_BYTES = 15 * 1024;

const PIP_OPTIONS = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10"];
const PIP_INSTALL = ["-m", "pip", "install", ...PIP_OPTIONS];

/** What deny.toml says of crates. An exception that nothing needs any more is an error, too. */
const CRATE_CHECKS = ["bans", "licenses", "sources"];
const DENY_WARNINGS = ["--deny", "unmatched-skip", "--deny", "license-not-encountered"];

const timings = [];

function step(name, action) {
  say(`${name} …`);
  const start = Date.now();
  action();
  timings.push([name, (Date.now() - start) / 1000]);
}

/** Runs a check whose output belongs on standard output. */
function check(name, program, args) {
  step(name, () => run(program, args, `${name} failed`, { stdio: ["ignore", "inherit", "inherit"] }));
}

/** requests for Python's example, in an environment of the project's own. */
function ensurePython() {
  const python = join(root, ".venv/bin/python");
  const requirements = readFileSync(join(root, "tests/gate/clients/requirements.txt"), "utf8");
  const stamp = join(root, ".venv/installed.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === requirements) return;
  const hasVenv = () => {
    const probe = mkdtempSync(join(tmpdir(), "gatehouse-venv-"));
    const made = spawnSync("python3", ["-m", "venv", probe], { stdio: "ignore" }).status === 0;
    rmSync(probe, { recursive: true, force: true });
    return made;
  };
  debianPackage(["python3-venv"], hasVenv, "the test of the Python client");
  run("python3", ["-m", "venv", ".venv"], "python3 could not make an environment");
  run(python, [...PIP_INSTALL, "-r", "tests/gate/clients/requirements.txt"], "pip failed: is the Python registry reachable?");
  writeFileSync(stamp, requirements);
}

/** The Frappe app as pip installs it, in an environment of its own, and its tests with an old and a new PyJWT. */
function tryFrappeApp() {
  const place = "target/frappe-app";
  const python = join(root, place, "bin/python");
  run("python3", ["-m", "venv", "--clear", place], "python3 could not make an environment");
  for (const pyjwt of ["PyJWT==2.8.0", "PyJWT==2.15.1"]) {
    const packages = ["./integrations/frappe", pyjwt];
    run(python, [...PIP_INSTALL, ...packages], "pip failed for the Frappe app: is the Python registry reachable?");
    const tests = ["-m", "unittest", "discover", "-s", "integrations/frappe/tests"];
    run(python, ["-B", "-W", "ignore::ResourceWarning", ...tests], `the Frappe app's tests failed with ${pyjwt}`);
  }
}

function printSize() {
  const files = ["index.js", "index_bg.wasm"].map((name) => join(root, "build", name));
  const raw = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const compressed = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(`size of the Worker: ${kib(raw)}, compressed ${kib(compressed)} (limit ${kib(SIZE_LIMIT_BYTES)})`);
  if (compressed > SIZE_LIMIT_BYTES) fail("the Worker is over its limit");
  const page = readdirSync(join(root, "src/page")).sort().map((name) => readFileSync(join(root, "src/page", name)));
  const pageCompressed = gzipSync(Buffer.concat(page), { level: 9 }).length;
  console.log(`of that the web page: about ${kib(pageCompressed)} (limit ${kib(PAGE_LIMIT_BYTES)})`);
  if (pageCompressed > PAGE_LIMIT_BYTES) fail("the web page is over its limit");
}

const wasm = ["--lib", "--target", "wasm32-unknown-unknown"];
step("toolchain", ensureToolchain);
step("build tools", ensureTools);
step("cargo-deny", ensureCargoDeny);
step("Python environment", ensurePython);
for (const [program, what] of [["curl", "a client test"], ["openssl", "a test of certificates"]]) {
  step(program, () => debianPackage([program], () => spawnSync(program, ["version"]).error === undefined, what));
}
const hasValgrind = () => spawnSync("valgrind", ["--version"]).error === undefined;
step("valgrind", () => debianPackage(["valgrind"], hasValgrind, "the count of instructions"));
step("browser", () => debianPackage(["chromium"], () => existsSync("/usr/bin/chromium"), "the test of the web page"));
check("formatting", "cargo", ["fmt", "--all", "--check"]);
check("formatting of the fuzz targets", "cargo", ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]);
check("clippy, native", "cargo", ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
check("clippy, wasm32", "cargo", ["clippy", "--locked", ...wasm, "--", "-D", "warnings"]);
check("crates", join(tools, "bin/cargo-deny"), ["--locked", "check", ...DENY_WARNINGS, ...CRATE_CHECKS]);
check("crates of the fuzz targets", join(tools, "bin/cargo-deny"), [
  "--locked", "--manifest-path", "fuzz/Cargo.toml", "check", "--hide-inclusion-graph", ...CRATE_CHECKS,
]);
check("dependencies", "cargo", ["test", "--locked", "--test", "dependencies"]);
check("native tests", "cargo", ["test", "--locked", "--lib", "--bins"]);
check("properties", "cargo", ["test", "--locked", "--test", "properties"]);
check("doc tests", "cargo", ["test", "--locked", "--doc"]);
check("count of instructions", process.execPath, ["bench/instructions.mjs"]);
check("fuzzing", process.execPath, ["scripts/fuzz.mjs"]);
// The dry run builds the Worker as it would be deployed; the black-box tests start that.
check("build and dry run of a deployment", process.execPath, [
  "node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--outdir", "dist",
]);
step("size", printSize);
check("crossings between JavaScript and wasm", process.execPath, ["bench/crossings.mjs"]);
step("Frappe app", tryFrappeApp);
check("black-box tests", "cargo", ["test", "--locked", "--test", "gate"]);
check("page tests", "cargo", ["test", "--locked", "--test", "page"]);
// Last: it builds for development, into the same folder.
check("npm start", "cargo", ["test", "--locked", "--test", "start"]);

console.log("");
for (const [name, seconds] of timings) console.log(`${seconds.toFixed(1).padStart(7)} s  ${name}`);

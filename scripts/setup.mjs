// What building needs besides npm packages: the Rust toolchain and, under .tools, worker-build and wasm-bindgen.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
export const tools = join(root, ".tools");

const WORKER_BUILD = "0.8.7";
const CARGO_DENY = "0.20.2";

/** Ends the program with one line that says what to do. */
export function fail(line) {
  console.error(`gatehouse: ${line}`);
  process.exit(1);
}

export function say(line) {
  console.error(`gatehouse: ${line}`);
}

/** Runs a program in the project's directory, its output shown; `line` is what to say if it fails. */
export function run(program, args, line, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (error || status !== 0) fail(line);
}

function succeeds(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: "ignore" }).status === 0;
}

/** Makes sure that `check` succeeds, by installing a Debian package where that is possible. */
export function debianPackage(packages, check, purpose) {
  if (check()) return;
  const names = packages.join(" ");
  const line = `${purpose} needs ${names}: sudo apt-get install ${names}`;
  if (process.getuid?.() !== 0 || !succeeds("apt-get", ["--version"])) fail(line);
  say(`installing ${names} …`);
  const quiet = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  run("apt-get", ["update", "-qq"], line, quiet);
  run("apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...packages], line, quiet);
  if (!check()) fail(line);
}

/** The Rust toolchain of rust-toolchain.toml, with the wasm target. */
export function ensureToolchain() {
  if (!succeeds("rustup", ["--version"])) fail("rustup is missing: install Rust from https://rustup.rs");
  const listed = spawnSync("rustup", ["target", "list", "--installed"], { cwd: root, encoding: "utf8" });
  if (listed.status === 0 && listed.stdout.includes("wasm32-unknown-unknown")) return;
  say("installing the Rust toolchain of rust-toolchain.toml …");
  const line = "rustup could not install the toolchain (see above): is the network reachable?";
  run("rustup", ["toolchain", "install"], line);
  run("rustup", ["target", "add", "wasm32-unknown-unknown"], line);
}

function install(args) {
  mkdirSync(tools, { recursive: true });
  const line = "cargo could not build it (see above): is the crate registry reachable?";
  // Retries are for lossy networks; without any network this fails in seconds.
  const env = { ...process.env, CARGO_NET_RETRY: "1", CARGO_TARGET_DIR: join(tools, "target") };
  run("cargo", ["install", "--locked", "--force", "--root", tools, ...args], line, { env });
}

/** cargo-deny, compiled once and kept; what tests alone need. */
export function ensureCargoDeny() {
  const found = spawnSync(join(tools, "bin/cargo-deny"), ["--version"], { encoding: "utf8" });
  if (found.stdout?.trim() === `cargo-deny ${CARGO_DENY}`) return;
  say("building cargo-deny (about 1 min, once) …");
  install(["--debug", `cargo-deny@${CARGO_DENY}`]);
  rmSync(join(tools, "target"), { recursive: true, force: true });
}

/** worker-build and wasm-bindgen, compiled once and kept. */
export function ensureTools() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const wasmBindgen = /name = "wasm-bindgen-cli-support"\nversion = "([^"]+)"/.exec(lock)?.[1];
  const source = readFileSync(join(root, "tools/wasm-bindgen/src/main.rs"), "utf8");
  const wanted = JSON.stringify({ WORKER_BUILD, wasmBindgen, source });
  const stamp = join(tools, "installed.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  const hasOpenssl = () => process.platform !== "linux" || succeeds("pkg-config", ["--exists", "openssl"]);
  debianPackage(["libssl-dev", "pkg-config"], hasOpenssl, "worker-build");
  say("building wasm-bindgen (about 1 min, once) …");
  install(["--path", "tools/wasm-bindgen", "--profile", "tools"]);
  say("building worker-build (about 2 min, once) …");
  install(["--debug", `worker-build@${WORKER_BUILD}`]);
  rmSync(join(tools, "target"), { recursive: true, force: true });
  writeFileSync(stamp, wanted);
}

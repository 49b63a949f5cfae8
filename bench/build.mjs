// Builds and installs what the bench runs, and writes workerd's configurations.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { buildSync } from "esbuild";

import { debianPackage, root, run, say, tools } from "../scripts/setup.mjs";

const OHA = "1.16.0";

export const oha = join(tools, "bin", "oha");
export const workerd = join(root, "node_modules", ".bin", "workerd");
/** Where everything lies that workerd embeds, and its Durable Objects' storage. */
export const place = join(root, "target", "bench", "run");
export const origin = join(root, "target", "bench", "release", "bench-origin");

const bin = join(root, "node_modules", ".bin");

/** wrk loads as fast as it can. */
export function installWrk() {
  debianPackage(["wrk"], () => spawnSync("wrk", ["-v"], { stdio: "ignore" }).error === undefined, "the load");
}

/** wrk, and oha, which holds a rate. */
export function installLoaders() {
  installWrk();
  const hasValgrind = () => spawnSync("valgrind", ["--version"], { stdio: "ignore" }).error === undefined;
  debianPackage(["valgrind"], hasValgrind, "the bench");
  const installed = spawnSync(oha, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (installed === `oha ${OHA}`) return;
  say("building oha (some minutes, once) …");
  const env = { ...process.env, CARGO_TARGET_DIR: join(tools, "target") };
  const args = ["install", "--locked", "--force", "--root", tools, `oha@${OHA}`];
  run("cargo", args, "cargo could not build oha (see above): is the crate registry reachable?", { env });
  rmSync(join(tools, "target"), { recursive: true, force: true });
}

function buildOrigin() {
  const env = { ...process.env, CARGO_TARGET_DIR: join(root, "target", "bench"), CARGO_PROFILE_RELEASE_OPT_LEVEL: "3" };
  const args = ["build", "--quiet", "--locked", "--release", "--package", "bench-origin"];
  run("cargo", args, "the origin did not build (see above)", { env });
}

/** By worker-build as it comes, and without the names of functions, which the gate does not carry either. */
function buildHello() {
  const env = {
    ...process.env,
    WASM_BINDGEN_BIN: join(tools, "bin", "wasm-bindgen"),
    WASM_OPT_BIN: join(bin, "wasm-opt"),
    ESBUILD_BIN: join(bin, "esbuild"),
  };
  const directory = join(root, "bench", "hello");
  const args = ["--release", "--out-dir", "../../target/bench/hello"];
  run(join(tools, "bin", "worker-build"), args, "the minimal hello did not build (see above)", { cwd: directory, env });
  const wasm = join(root, "target", "bench", "hello", "index_bg.wasm");
  const strip = ["--all-features", "--strip-debug", wasm, "-o", wasm];
  run(join(bin, "wasm-opt"), strip, "the names of hello's functions could not be removed");
}

function copy(name, directory) {
  mkdirSync(join(place, name), { recursive: true });
  for (const file of ["index.js", "index_bg.wasm"]) copyFileSync(join(root, directory, file), join(place, name, file));
}

/** The gate in its production build, and the origin. */
export function buildGate() {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  run(process.execPath, [join(root, "scripts", "build.mjs")], "the Worker did not build (see above)");
  buildOrigin();
  copy("gate", "build");
  bundle(["limits"]);
}

/** The gate and the hello in their production builds, the other contestants bundled, all in one place. */
export function build() {
  buildGate();
  buildHello();
  copy("hello", "target/bench/hello");
  bundle(["proxy", "hono", "tuned", "constant", "least", "empty", "loader"]);
}

function bundle(names) {
  for (const name of names) {
    buildSync({
      bundle: true,
      entryPoints: [join(root, "bench", "workers", `${name}.js`)],
      format: "esm",
      legalComments: "none",
      minify: name === "hono",
      outfile: join(place, `${name}.js`),
    });
  }
}

export function compatibilityDate() {
  return /^compatibility_date = "([^"]+)"/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1];
}

// Builds the Worker into build/: what `[build]` in wrangler.toml runs. QUICK_BUILD=1 is for
// development: larger, and built in seconds.

import { homedir } from "node:os";
import { join } from "node:path";

import { ensureTools, ensureToolchain, root, run, tools } from "./setup.mjs";

ensureToolchain();
ensureTools();

const bin = join(root, "node_modules", ".bin");
const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry", "src");
const env = {
  ...process.env,
  // Panic messages carry file names; whose machine built it is nobody's business.
  CARGO_ENCODED_RUSTFLAGS: [
    ...(process.env.RUSTFLAGS ?? "").split(" ").filter(Boolean),
    `--remap-path-prefix=${registry}=registry`,
    `--remap-path-prefix=${root}=gatehouse`,
  ].join("\x1f"),
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: join(root, "scripts", "linker.mjs"),
  PATH: `${join(root, "scripts", "path")}:${bin}:${process.env.PATH}`,
  WASM_BINDGEN_BIN: join(tools, "bin", "wasm-bindgen"),
  WASM_OPT_BIN: join(root, "scripts", "wasm-opt.mjs"),
  ESBUILD_BIN: join(root, "scripts", "esbuild.mjs"),
};
const args = process.env.QUICK_BUILD === "1" ? ["--profile", "quick"] : ["--release"];
run(join(tools, "bin", "worker-build"), args, "the Worker did not build (see above)", { env });

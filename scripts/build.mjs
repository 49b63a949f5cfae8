// Builds the Worker into build/: what `[build]` in wrangler.toml runs. QUICK_BUILD=1 is for
// development: larger, and built in seconds.

import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { ensureTools, ensureToolchain, root, run, tools } from "./setup.mjs";

ensureToolchain();
ensureTools();

const bin = join(root, "node_modules", ".bin");
const quick = process.env.QUICK_BUILD === "1";
// The page's scripts and styles without comments and white space (2.7 KB compressed); for development as they are written.
const page = join(root, "target", "page");
if (!quick) {
  const sources = readdirSync(join(root, "src/page")).filter((name) => /\.(css|js)$/.test(name));
  const files = sources.map((name) => join("src/page", name));
  run(join(bin, "esbuild"), ["--minify", "--log-level=warning", `--outdir=${page}`, ...files], "the page did not build");
}
const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry", "src");
const env = {
  ...process.env,
  CARGO_ENCODED_RUSTFLAGS: [
    // Workers have it, and SHA-256 and the search for bytes are faster with it, and smaller (2 KB compressed).
    "-Ctarget-feature=+simd128",
    ...(process.env.RUSTFLAGS ?? "").split(" ").filter(Boolean),
    // Panic messages carry file names; whose machine built it is nobody's business.
    `--remap-path-prefix=${registry}=registry`,
    `--remap-path-prefix=${root}=gatehouse`,
  ].join("\x1f"),
  ...(quick ? {} : { GATEHOUSE_PAGE: page }),
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: join(root, "scripts", "linker.mjs"),
  PATH: `${join(root, "scripts", "path")}:${bin}:${process.env.PATH}`,
  WASM_BINDGEN_BIN: join(tools, "bin", "wasm-bindgen"),
  WASM_OPT_BIN: join(root, "scripts", "wasm-opt.mjs"),
  ESBUILD_BIN: join(root, "scripts", "esbuild.mjs"),
};
const args = quick ? ["--profile", "quick"] : ["--release"];
run(join(tools, "bin", "worker-build"), args, "the Worker did not build (see above)", { env });

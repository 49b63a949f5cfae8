#!/usr/bin/env node
// wasm-opt as worker-build calls it, but for two things that cost room in what is uploaded: the names of functions (30 KB)
// and inlining, which LLVM has done already (9 KB).

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const program = join(import.meta.dirname, "../node_modules/.bin/wasm-opt");
const args = process.argv.slice(2).filter((argument) => argument !== "--debuginfo");
const inlining = ["always-inline-max-function-size", "flexible-inline-max-function-size", "one-caller-inline-max-function-size"];
const limits = inlining.flatMap((name) => [`--${name}`, "1"]);
process.exit(spawnSync(program, [...args, ...limits, "--reorder-functions-by-name", "--strip-target-features"], { stdio: "inherit" }).status ?? 1);

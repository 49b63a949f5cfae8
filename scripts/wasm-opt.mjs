#!/usr/bin/env node
// wasm-opt as worker-build calls it, but for the names of functions: they are 30 KB of what is uploaded.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const program = join(import.meta.dirname, "../node_modules/.bin/wasm-opt");
const args = process.argv.slice(2).filter((argument) => argument !== "--debuginfo");
process.exit(spawnSync(program, args, { stdio: "inherit" }).status ?? 1);

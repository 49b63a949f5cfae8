#!/usr/bin/env node
// wasm-opt as worker-build calls it, but for three things that cost room in what is uploaded: the names of functions
// (30 KB), inlining, which LLVM has done already (9 KB), and exports of classes of `worker` that nothing here makes (3 KB).

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const program = join(import.meta.dirname, "../node_modules/.bin/wasm-opt");
const args = process.argv.slice(2).filter((argument) => argument !== "--debuginfo");
const inlining = ["always-inline-max-function-size", "flexible-inline-max-function-size", "one-caller-inline-max-function-size"];
const limits = inlining.flatMap((name) => [`--${name}`, "1"]);
const unused = ["intounderlying*", "__wbg_*intounderlying*", "__wbg_*containerstartupoptions*", "__wbg_*minifyconfig*", "__wbg_*r2range*"];
const removed = unused.map((name) => `--remove-exports=${name}`);
process.exit(spawnSync(program, [...removed, ...args, ...limits, "--reorder-functions-by-name"], { stdio: "inherit" }).status ?? 1);

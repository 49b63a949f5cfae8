#!/usr/bin/env node
// The linker, but without exports that nothing calls: classes of `worker` and `wasm-streams` that nothing here makes, which
// hold on to 9 KB of code and data (compressed). Once they are linked nothing can take them out, for their functions stand
// in the table.

import { spawnSync } from "node:child_process";

const unused = /intounderlying|containerstartupoptions|minifyconfig|r2range/i;
const args = process.argv.slice(2);
const isUnused = (index) => args[index] === "--export" && unused.test(args[index + 1] ?? "");
const kept = args.filter((_, index) => !isUnused(index) && !isUnused(index - 1));
process.exit(spawnSync("rust-lld", kept, { stdio: "inherit" }).status ?? 1);

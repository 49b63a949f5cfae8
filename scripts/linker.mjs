#!/usr/bin/env node
// The linker, but without exports of other crates that nothing here calls: classes of `worker` and `wasm-streams`, and what
// `worker` does about panics (src/platform/panic.rs does it for us). They hold on to 7 KB of code and data (compressed), and
// once they are linked nothing can take them out, for their functions stand in the table.

import { spawnSync } from "node:child_process";

const unused = /intounderlying|containerstartupoptions|minifyconfig|r2range|worker_init_state|^(__wbindgen_describe_)?init_/i;
const args = process.argv.slice(2);
const isUnused = (index) => args[index] === "--export" && unused.test(args[index + 1] ?? "");
const kept = args.filter((_, index) => !isUnused(index) && !isUnused(index - 1));
process.exit(spawnSync("rust-lld", kept, { stdio: "inherit" }).status ?? 1);

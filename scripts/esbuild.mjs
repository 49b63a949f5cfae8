#!/usr/bin/env node
// esbuild as worker-build calls it, but with an entry of our own, and without the classes of `worker` that nothing here
// makes: both flags let esbuild see that they are not used.

import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

copyFileSync(join(import.meta.dirname, "../src/platform/entry.js"), "shim.js");
const program = join(import.meta.dirname, "../node_modules/.bin/esbuild");
const unused = ["--pure:FinalizationRegistry", "--define:Symbol.dispose=undefined"];
process.exit(spawnSync(program, [...process.argv.slice(2), ...unused], { stdio: "inherit" }).status ?? 1);

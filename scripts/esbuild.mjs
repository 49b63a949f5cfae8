#!/usr/bin/env node
// esbuild as worker-build calls it, but with an entry of our own, without what wasm-bindgen makes for classes that nothing
// here uses, and with numbers for the hashes in names, which nothing can compress (2 KB).

import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

copyFileSync(join(import.meta.dirname, "../src/platform/entry.js"), "shim.js");

const hash = /(?<=_h?)[0-9a-f]{16}(?![0-9a-f])/g;
const script = readFileSync("index.js", "latin1");
const hashes = [...new Set(script.match(hash))];
// Of the same length, so that nothing moves in the binary.
const number = (found) => (hashes.includes(found) ? String(hashes.indexOf(found)).padStart(found.length, "0") : found);
const wasm = readFileSync("index_bg.wasm", "latin1");
writeFileSync("index_bg.wasm", wasm.replace(hash, number), "latin1");
const numbered = script.replace(hash, number);
writeFileSync("index.js", numbered.replaceAll("new FinalizationRegistry", "/* @__PURE__ */ $&"), "latin1");

const program = join(import.meta.dirname, "../node_modules/.bin/esbuild");
const unused = "--define:Symbol.dispose=undefined";
process.exit(spawnSync(program, [...process.argv.slice(2), unused], { stdio: "inherit" }).status ?? 1);

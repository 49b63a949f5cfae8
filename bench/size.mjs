// What an upload weighs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { place } from "./build.mjs";

function weigh(name) {
  const files = ["index.js", "index_bg.wasm"].map((file) => readFileSync(join(place, name, file)));
  const compressed = files.map((file) => gzipSync(file, { level: 9 }).length / 1024);
  return { script: compressed[0], wasm: compressed[1], total: compressed[0] + compressed[1] };
}

/** In KiB, by gzip -9. */
export const measureSize = () => ({ gate: weigh("gate"), hello: weigh("hello") });

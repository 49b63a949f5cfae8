// The checked-in figures, figures.json, beside what was counted now.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = join(import.meta.dirname, "figures.json");

/** The figures of a kind (`instructions`, `crossings`), by name. */
export function figures(kind) {
  return JSON.parse(readFileSync(file, "utf8"))[kind];
}

function update(kind, counted) {
  writeFileSync(file, `${JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), [kind]: counted }, null, 2)}\n`);
}

/**
 * Compares what was counted with the figures of a kind, and returns what is wrong, a line each: more than the share `room`
 * above a figure, or a name without a counterpart. `--update` makes what was counted the figures.
 */
export function compare(kind, counted, room) {
  if (process.argv.includes("--update")) update(kind, counted);
  const known = figures(kind);
  const problems = Object.keys(known).filter((name) => !(name in counted)).map((name) => `${name}: not counted any more`);
  for (const [name, count] of Object.entries(counted)) {
    const figure = known[name];
    if (figure === undefined) problems.push(`${name}: no figure in bench/figures.json`);
    else if (count > figure * (1 + room)) {
      const more = ((count / figure - 1) * 100).toFixed(1);
      problems.push(`${name}: ${count} ${kind} where bench/figures.json says ${figure}, ${more} % more`);
    }
  }
  return problems;
}

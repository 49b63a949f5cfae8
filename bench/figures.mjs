// The checked-in figures, figures.json, beside what was counted now.

import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = join(import.meta.dirname, "figures.json");

const read = () => JSON.parse(readFileSync(file, "utf8"));

/** The figures of a kind (`instructions`, `crossings`), by name. */
export function figures(kind) {
  return read()[kind];
}

/** Whether a module is the program that was started. */
export function isProgram({ filename }) {
  return realpathSync(process.argv[1]) === filename;
}

/** What is wrong, a line each: more than the share `room` above a figure, or a name that stands on one side alone. */
export function problems(known, counted, room) {
  const gone = Object.keys(known).filter((name) => !(name in counted)).map((name) => `${name}: not counted any more`);
  const wrong = Object.entries(counted).flatMap(([name, count]) => {
    if (!(name in known)) return [`${name}: no figure`];
    const more = (count / known[name] - 1) * 100;
    return more > room * 100 ? [`${name}: ${count} instead of ${known[name]}, ${more.toFixed(1)} % more`] : [];
  });
  return [...gone, ...wrong];
}

/** Holds what was counted to the figures of a kind, and ends the program where it doesn't fit. `--update` makes it the figures. */
export function hold(kind, counted, room) {
  if (process.argv.includes("--update")) writeFileSync(file, `${JSON.stringify({ ...read(), [kind]: counted }, null, 2)}\n`);
  const found = problems(figures(kind), counted, room);
  for (const problem of found) console.error(`gatehouse: ${kind}: ${problem}`);
  if (found.length === 0) return;
  console.error(`gatehouse: more than bench/figures.json allows. If it is worth it: node bench/${kind}.mjs --update`);
  process.exit(1);
}

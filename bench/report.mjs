// The tables of docs/benchmarks.md.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "../scripts/setup.mjs";
import { names } from "./contestants.mjs";
import { table as crossingTable } from "./crossings.mjs";
import { cpuMicroseconds, median, p99Of, rateOf, ratio, spread, tailRatio } from "./statistics.mjs";
import { headroom, verdicts } from "./verdicts.mjs";

const BEGIN = "<!-- written by npm run bench: begin -->";
const END = "<!-- written by npm run bench: end -->";

const whole = (number) => Math.round(number).toLocaleString("en-GB");
const range = (numbers, format) => spread(numbers).map(format).join(" to ");
const ms = (number) => number.toFixed(number < 10 ? 2 : 1);

function table(head, lines) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...lines.map(line)].join("\n");
}

function throughput({ row, samples }) {
  const reference = samples[row.contestants[0]];
  const lines = row.contestants.map((name) => {
    const taken = samples[name];
    return [
      names[name], whole(median(taken.map(rateOf))), range(taken.map(rateOf), whole), ratio(taken, reference, rateOf).toFixed(2),
      whole(cpuMicroseconds(taken)), (cpuMicroseconds(reference) / cpuMicroseconds(taken)).toFixed(2),
      ms(median(taken.map((sample) => sample.p50Ms))), ms(median(taken.map(p99Of))),
    ];
  });
  const first = row.contestants[0] === "constant" ? "(e)" : "(a)";
  const head = ["", "requests/s", "middle half", `beside ${first}`, "CPU µs/request", `${first}'s CPU by its`, "p50 ms", "p99 ms"];
  return `${row.title[0].toUpperCase()}${row.title.slice(1)} (${row.rounds} rounds):\n\n${table(head, lines)}`;
}

function pacedTable({ row, samples, rate }) {
  const lines = Object.entries(samples).map(([name, taken]) => [
    names[name] ?? "origin, asked directly", whole(median(taken.map(rateOf))), ms(median(taken.map((sample) => sample.p50Ms))), ms(median(taken.map(p99Of))),
    range(taken.map(p99Of), ms), tailRatio(taken, samples.proxy).toFixed(2),
  ]);
  const head = ["", "requests/s held", "p50 ms", "p99 ms", "middle half of p99", "p99 beside (a), quieter rounds"];
  return `${row.title}, ${whole(rate)} requests a second asked for (${row.rounds} rounds):\n\n${table(head, lines)}`;
}

function startupTable({ empty, hello, gate, ratio: beside, ownRatio }) {
  const line = (name, { ms: time, spread: [low, high] }) => [name, time.toFixed(1), `${low.toFixed(1)} to ${high.toFixed(1)}`];
  const lines = [line("an empty JavaScript Worker", empty), line("minimal `worker` hello", hello), line("the gate", gate)];
  return `${table(["", "ms", "middle half"], lines)}

The gate beside hello: ${beside.toFixed(2)}; with the empty Worker's time taken off both: ${ownRatio.toFixed(2)}.`;
}

function sizeTable({ gate, hello }) {
  const line = (name, { script, wasm, total }) => [name, script.toFixed(1), wasm.toFixed(1), total.toFixed(1)];
  return table(["KiB, gzip -9", "JavaScript", "wasm", "together"], [line("the gate, page included", gate), line("minimal `worker` hello", hello)]);
}

/** What stands behind the contestants has to be far faster than they are. */
function behind(rows, origin, kv) {
  const by = headroom(rows, origin);
  const verdict = by >= 4 ? "" : " **That is too little: the origin may be what was measured.**";
  return `What stands behind them, asked directly by the same wrk: the origin ${whole(origin.rate)} requests a second (64 connections),
${by.toFixed(1)} times the most that (a) asked of it; 1 MiB bodies (8 connections) ${whole(origin.downloadRate)} a second from it, ${whole(origin.uploadRate)}
to it; KV ${whole(kv.rate)} reads a second.${verdict}`;
}

/** All tables, as Markdown. */
export function report(results) {
  const { rows, paced, startup, size, crossings, instructions, origin, kv, date, versions, machine, seconds } = results;
  return `Measured on ${date}, in rounds of ${seconds} s. ${machine}. ${versions}.

### Verdicts

${table(["what", "measured", "wanted", "verdict"], verdicts(results))}

### Throughput at saturation

${rows.map(throughput).join("\n\n")}

${behind(rows, origin, kv)}

### Latency at half of (a)'s highest rate

${paced.map(pacedTable).join("\n\n")}

### A fresh isolate

${startupTable(startup)}

### Size

${sizeTable(size)}

### Calls between wasm and JavaScript, a request

${crossingTable(crossings)}

### Instructions in the pure layers, a request (native x86-64, by callgrind)

${table(["step", "instructions"], Object.entries(instructions).map(([step, each]) => [step, whole(each)]))}`;
}

/** Puts the tables between the markers of docs/benchmarks.md. */
export function writeReport(text) {
  const file = join(root, "docs", "benchmarks.md");
  const document = readFileSync(file, "utf8");
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("docs/benchmarks.md has lost its markers");
  writeFileSync(file, `${document.slice(0, begin)}${BEGIN}\n\n${text}\n\n${document.slice(end)}`);
}

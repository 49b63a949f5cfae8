// The figures against what they must reach.

import { median, rateOf, ratio, tailRatio } from "./statistics.mjs";

const word = (isMet) => (isMet ? "met" : "**not met**");

/** At least `goal`; below `floor` the work is not done. */
function atLeast(what, value, goal, floor) {
  const verdict = value >= goal ? "met" : value >= floor ? "**not met**, above the floor" : "**not met**, below the floor";
  return [what, value.toFixed(2), `at least ${goal} (floor ${floor})`, verdict];
}

export function verdicts({ rows, paced, startup, size }) {
  const lines = [];
  for (const { row, samples } of rows.filter(({ row }) => row.isHot)) {
    for (const [name, beside, goal, floor] of [
      ["proxy", "(a)", 0.95, 0.88],
      ["hono", "(b)", 1.1, 1],
      ["tuned", "(c)", 1.1, 1],
    ]) {
      lines.push(atLeast(`throughput, ${row.title}, beside ${beside}`, ratio(samples.gate, samples[name], rateOf), goal, floor));
    }
    const most = ratio(samples.least, samples.proxy, rateOf);
    lines.push([`– the most that any gate could reach: (f) beside (a), ${row.title}`, most.toFixed(2), "", ""]);
  }
  for (const { row, samples } of paced) {
    const value = tailRatio(samples.gate, samples.proxy);
    lines.push([`p99 at half of (a)'s rate, ${row.title}, beside (a)`, value.toFixed(2), "at most 1.1", word(value <= 1.1)]);
    const least = tailRatio(samples.least, samples.proxy);
    lines.push([`– (f) beside (a), ${row.title}`, least.toFixed(2), "", ""]);
  }
  const { samples } = rows.find(({ row }) => row.key === "garbage");
  const garbage = ratio(samples.unlimited, samples.constant, rateOf);
  lines.push(["rejecting garbage, beside a constant (e)", garbage.toFixed(2), "at least 0.9", word(garbage >= 0.9)]);
  lines.push(["fresh isolate to first answer, beside hello", startup.ratio.toFixed(2), "under 1.5", word(startup.ratio < 1.5)]);
  const { gate, hello } = size;
  lines.push(["compressed Worker", `${gate.total.toFixed(1)} KiB`, "under 120 KiB", word(gate.total < 120)]);
  lines.push(["compressed Worker, beside hello", (gate.total / hello.total).toFixed(2), "under 3", word(gate.total / hello.total < 3)]);
  return lines;
}

/** How much faster the origin is, asked directly, than the bare proxy ever asked it, which asks the most. */
export function headroom(rows, origin) {
  const asked = rows.filter(({ row }) => row.path === "/kibibyte" && row.contestants.includes("proxy"));
  return origin.rate / Math.max(...asked.map(({ samples }) => median(samples.proxy.map(rateOf))));
}

// The machine: which core does what, and how it is called in words.

import { availableParallelism, cpus, totalmem } from "node:os";

const count = availableParallelism();

/** Core numbers: workerd has one to itself; load and origin share the other where there are two. */
export const cores =
  count >= 4 ? { workerd: 1, load: 2, origin: 3 } : { workerd: 0, load: 1, origin: 1 };

export const isBigEnough = process.platform === "linux" && count >= 2;

export function machineInWords() {
  const model = cpus()[0].model.trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  const split =
    count >= 4
      ? "workerd on one core, the load on another, origin and KV on a third"
      : "workerd on one core, load, origin and KV on the other";
  return `Linux on ${count} cores (${model}), ${memory} GiB, shared with other work; ${split}`;
}

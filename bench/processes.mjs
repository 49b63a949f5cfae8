// Starts programs on a core of their own, and ends them all, by their ids, whatever happens.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

const children = new Set();

const isAlive = (child) => child.exitCode === null && child.signalCode === null;

/** Starts a program; `options` are those of `spawn`. */
export function start(core, program, args, options) {
  const child = spawn("taskset", ["-c", String(core), program, ...args], options);
  children.add(child);
  child.on("error", (error) => console.error(`gatehouse: ${program}: ${error.message}`));
  child.on("exit", () => children.delete(child));
  return child;
}

/** Starts a program that prints `READY <port>` and ends at the end of its input. */
export async function startServer(core, program, args) {
  const child = start(core, program, args, { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^READY (\d+)$/.exec(line)?.[1];
    if (port) return Number(port);
  }
  throw new Error(`${program} ended before it was ready`);
}

/** Starts workerd with a configuration. What its Worker logs goes nowhere; its errors are shown, or taken line by line. */
export async function startWorkerd(core, workerd, directory, configuration, options = [], takeError = undefined) {
  const args = ["serve", ...options, "--control-fd=3", configuration];
  const child = start(core, workerd, args, { cwd: directory, stdio: ["ignore", "ignore", takeError ? "pipe" : "inherit", "pipe"] });
  if (takeError) createInterface({ input: child.stderr }).on("line", takeError);
  let inspectorPort;
  for await (const line of createInterface({ input: child.stdio[3] })) {
    const message = JSON.parse(line);
    if (message.event === "listen-inspector") inspectorPort = message.port;
    if (message.event === "listen") return { pid: child.pid, port: message.port, inspectorPort };
  }
  throw new Error(`workerd ended before it listened: ${configuration}`);
}

/** Runs a program to its end, for so many milliseconds at the most, and gives its standard output. */
export async function output(core, program, args, limitMs) {
  const child = start(core, program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs, killSignal: "SIGKILL" });
  const texts = [child.stdout, child.stderr].map((stream) => stream.setEncoding("utf8").toArray());
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));
  const [out, problems] = (await Promise.all(texts)).map((chunks) => chunks.join(""));
  if ((await ended) !== 0) throw new Error(`${program} failed: ${problems || out}`);
  return out;
}

const TICKS_A_SECOND = 100;

/** The CPU seconds that a process has used, its threads and the kernel's work for it included. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Ends everything that was started here. */
export async function endAll() {
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    for (const child of children) child.kill(signal);
    for (let waited = 0; [...children].some(isAlive) && waited < 3000; waited += 50) await wait(50);
  }
}

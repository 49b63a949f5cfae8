// The load of `npm run soak`: everything that a gate is asked for, at once and as fast as it goes, on bare workerd, beside
// clients that go away in the midst. What workerd holds of memory and files is watched all the time.

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { root, say } from "../scripts/setup.mjs";
import { buildGate, installWrk, origin, workerd } from "./build.mjs";
import { startGate } from "./contestants.mjs";
import { COUNT, tokenOf, userOf, wrongToken } from "./credentials.mjs";
import { LEAVERS, leave, measureLeavers } from "./leavers.mjs";
import { CLIENT_HEADERS, saturate } from "./load.mjs";
import { endAll, startServer } from "./processes.mjs";
import { median } from "./statistics.mjs";
import { cold, writeCredentials } from "./work.mjs";

const LOGGED_USER = "/api/method/frappe.auth.get_logged_user";
const MEBIBYTE = 1024 * 1024;
/** wrk is started anew so often: what goes wrong is known soon, and each end leaves requests behind that nobody waits for. */
const SLICE_SECONDS = 30;
const SAMPLE_SECONDS = 1;
/** Of each of the ways to go away one client so often. */
const LEAVE_MS = 500;
/** What the last third may grow by: the larger of the two. */
const GROWTH = { part: 0.05, bytes: 20 * MEBIBYTE };
/** How many files more may be open at the end than after the first minute: connections come and go. */
const FILES = 32;
/** How long an idle gate has, to let go of what the last clients held. */
const SETTLE_SECONDS = 15;

const token = (value) => ({ Authorization: value });
const KINDS = [
  { name: "valid, hot", path: "/kibibyte", connections: 8, headers: token(tokenOf(0)) },
  { name: "valid, cold", path: "/kibibyte", connections: 8, file: cold("token") },
  { name: "wrong secret", path: "/kibibyte", connections: 4, headers: token(wrongToken), isRefused: true },
  { name: "garbage", path: "/kibibyte", connections: 4, headers: token("token k:gks_bad"), isRefused: true },
  { name: "`get_logged_user`", path: LOGGED_USER, connections: 4, headers: token(tokenOf(1)) },
  { name: "16 KiB to the origin", path: "/upload", method: "POST", bodyBytes: 16 * 1024, connections: 4, headers: token(tokenOf(2)) },
  { name: "1 MiB to the origin", path: "/upload", method: "POST", bodyBytes: MEBIBYTE, connections: 1, headers: token(tokenOf(3)) },
  { name: "1 MiB from the origin", path: "/mebibyte", connections: 1, headers: token(tokenOf(4)) },
];

const UPLOADING = KINDS.filter(({ bodyBytes }) => bodyBytes).reduce((sum, { connections }) => sum + connections, 0);

/** The cores that this process may run on: workerd gets the first, everything else the others. */
function allowedCores() {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))[1];
  const cores = list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, number) => first + number);
  });
  return { workerd: String(cores[0]), rest: cores.slice(1).join(",") || String(cores[0]), count: cores.length };
}

/** Before this process itself makes way for workerd. */
const cores = allowedCores();

/** What a process holds: resident memory in bytes, open files. */
function held(pid) {
  const kib = Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
  return { bytes: kib * 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

function ask(url, path, headers, { method = "GET", body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { headers: { ...CLIENT_HEADERS, ...headers }, method, agent: false }, (response) => {
      response.setEncoding("utf8").toArray().then((chunks) => resolve({ status: response.statusCode, text: chunks.join("") }), reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** One request of each kind, whose answer is looked at to the last byte: wrk counts refusals alone. */
async function probe(url, number) {
  const user = number % COUNT;
  const expected = [
    [{ path: "/kibibyte", headers: token(tokenOf(user)) }, 200, "x".repeat(1024)],
    [{ path: LOGGED_USER, headers: token(tokenOf(user)) }, 200, JSON.stringify({ message: userOf(user) })],
    [{ path: "/upload", headers: token(tokenOf(user)), method: "POST", body: "x".repeat(5000) }, 200, "5000"],
    [{ path: "/kibibyte", headers: token(wrongToken) }, 401, null],
    [{ path: "/kibibyte", headers: token("token k:gks_bad") }, 401, null],
    [{ path: "/kibibyte", headers: token("Basic !") }, 400, null],
    [{ path: "/kibibyte", headers: {} }, 401, null],
  ];
  for (const [{ path, headers, method, body }, status, text] of expected) {
    const answer = await ask(url, path, headers, { method, body });
    if (answer.status !== status || (text !== null && answer.text.replace(/\s*:\s*/, ":") !== text)) {
      throw new Error(`${method ?? "GET"} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
    }
  }
  const { text } = await ask(url, "/headers", token(tokenOf(user)));
  const forwarded = /^x-forwarded-user: (.*)$/m.exec(text)?.[1];
  if (decodeURIComponent(forwarded ?? "") !== userOf(user)) throw new Error(`forwarded for somebody else: ${text}`);
}

const mib = (bytes) => (bytes / MEBIBYTE).toFixed(1);
const whole = (number) => Math.round(number).toLocaleString("en-GB");

/** Everything at once for so long. Gives what was counted, and samples of what workerd held. */
async function load(gate, seconds) {
  const counts = Object.fromEntries(KINDS.map(({ name }) => [name, 0]));
  const left = Object.fromEntries(LEAVERS.map(({ name }) => [name, 0]));
  const [samples, rates, p99s, busy] = [[], [], [], []];
  const began = Date.now();
  let [isOver, probes] = [false, 0];
  const elapsed = () => (Date.now() - began) / 1000;
  const forever = async (pauseMs, action) => {
    for (let number = 0; !isOver; number++) {
      await action(number);
      await wait(pauseMs);
    }
  };
  const loaded = async () => {
    for (let round = 0; elapsed() + 1 < seconds; round++) {
      const slice = Math.min(SLICE_SECONDS, Math.max(1, Math.round(seconds - elapsed())));
      const results = await Promise.all(KINDS.map((kind) => saturate(gate, { ...kind, core: cores.rest }, slice, round)));
      results.forEach(({ requests }, index) => (counts[KINDS[index].name] += requests));
      rates.push(results.reduce((sum, { rate }) => sum + rate, 0));
      p99s.push(results[0].p99Ms);
      busy.push(results[0].cpu / slice);
      const { bytes, files } = samples.at(-1);
      say(`${whole(elapsed())} s: ${whole(rates.at(-1))} requests/s, ${mib(bytes)} MiB, ${files} files`);
    }
  };
  const work = [
    loaded().finally(() => (isOver = true)),
    forever(SAMPLE_SECONDS * 1000, () => samples.push({ at: elapsed(), ...held(gate.pid) })),
    forever(1000, async (number) => (await probe(gate.url, number), probes++)),
    ...LEAVERS.map((leaver) => forever(LEAVE_MS, async (number) => (await leave(gate.port, leaver, number), left[leaver.name]++))),
  ];
  try {
    await Promise.all(work);
  } finally {
    isOver = true;
  }
  return { counts, left, samples, rates, p99s, busy, probes, seconds: elapsed() };
}

/** The median of what was held between two parts of the time. */
function between(samples, seconds, from, to, of) {
  const within = samples.filter(({ at }) => at >= from * seconds && at < to * seconds);
  return median(within.map(of));
}

function report(result, { before, after, unfinished, failures, machine, version, date }) {
  const { counts, left, samples, rates, p99s, busy, probes, seconds } = result;
  const memory = (from, to) => between(samples, seconds, from, to, ({ bytes }) => bytes);
  const files = (from, to) => between(samples, seconds, from, to, ({ files }) => files);
  // Thirtieths: of half an hour, minutes.
  const minute = 1 / 30;
  const rows = [
    ["before", before.bytes, before.files],
    ["warmed up (2nd of 30 parts)", memory(minute, 2 * minute), files(minute, 2 * minute)],
    ["after a third", memory(10 * minute, 11 * minute), files(10 * minute, 11 * minute)],
    ["middle", memory(15 * minute, 16 * minute), files(15 * minute, 16 * minute)],
    ["after two thirds", memory(19 * minute, 20 * minute), files(19 * minute, 20 * minute)],
    ["end", memory(29 * minute, 1.01), files(29 * minute, 1.01)],
    [`idle for ${SETTLE_SECONDS} s afterwards`, after.bytes, after.files],
  ];
  const [settled, end] = [rows[4], rows[5]];
  const growth = end[1] - settled[1];
  const allowed = Math.max(GROWTH.part * settled[1], GROWTH.bytes);
  const peak = Math.max(...samples.map(({ bytes }) => bytes));
  const all = Object.values(counts).reduce((sum, count) => sum + count);
  const part = (numbers, from, to) => whole(median(numbers.slice(Math.floor(from * numbers.length), Math.ceil(to * numbers.length))));
  const problems = [];
  if (growth > allowed) problems.push(`memory grew by ${mib(growth)} MiB in the last third; ${mib(allowed)} are allowed`);
  if (end[2] > rows[1][2] + FILES) problems.push(`${end[2]} files are open at the end, ${rows[1][2]} were at the start`);
  if (after.files > before.files + FILES) problems.push(`${after.files} files stay open, ${before.files} were before`);
  if (unfinished !== 0) problems.push(`${unfinished} requests at the origin did not end with their clients`);
  // Whose client goes away while its body is sent, fails at the origin: those that were meant to, and what wrk left behind.
  const uploads = left[LEAVERS[2].name] + rates.length * UPLOADING;
  const isExpected = (line) => line.includes('"dependency":"origin"') && /Network connection lost|client disconnected/.test(line);
  const other = failures.find((line) => !isExpected(line));
  if (other) problems.push(`workerd logged ${other}`);
  if (failures.length > uploads) problems.push(`${failures.length} requests failed at the origin, ${uploads} clients left while they sent`);
  const list = (object) => Object.entries(object).map(([name, count]) => `${name} ${whole(count)}`).join(", ");
  const text = `Measured on ${date}, ${version}, ${machine}: ${(seconds / 60).toFixed(1)} minutes, ${whole(all)} requests, ${whole(all / seconds)} a second
(first third ${part(rates, 0, 1 / 3)}, last ${part(rates, 2 / 3, 1)}; p99 of hot ones ${median(p99s).toFixed(1)} ms; workerd used ${whole(median(busy) * 100)} % of its core). Errors: none, in the answers to
${list(counts)}, and in ${whole(probes)} rounds of eight requests that were compared with what they should say. Clients that
left: ${list(left)}; requests that the origin still had open afterwards: ${unfinished};
failures that the gate logged: ${whole(failures.length)}, each for a body that its client did not finish.

| workerd | resident memory, MiB | open files |
|---|---:|---:|
${rows.map(([name, bytes, count]) => `| ${name} | ${mib(bytes)} | ${Math.round(count)} |`).join("\n")}

Peak ${mib(peak)} MiB. In the last third of the time memory grew by ${mib(growth)} MiB; more than ${mib(allowed)} would have failed.`;
  return { text, problems };
}

/** Does something with a gate, its origin and its KV, each started for that. */
async function withGate(options, action) {
  buildGate();
  spawnSync("taskset", ["-a", "-p", "-c", cores.rest, String(process.pid)]);
  try {
    const originPort = await startServer(cores.rest, origin, []);
    const kvPort = await startServer(cores.rest, process.execPath, [join(root, "bench", "kv.mjs")]);
    const failures = [];
    const gate = await startGate(cores.workerd, originPort, kvPort, (line) => failures.push(line), options);
    await probe(gate.url, 0);
    return await action(gate, originPort, failures);
  } finally {
    await endAll();
  }
}

/** Clients that go away, by the thousand. Gives the figures as Markdown, and what is wrong with them. */
export const soakLeavers = () => withGate(["-i127.0.0.1:0"], measureLeavers);

/** The load for so many minutes. Gives the same. */
export function soakLoad(minutes) {
  installWrk();
  return withGate([], async (gate, originPort, failures) => {
    writeCredentials();
    const before = held(gate.pid);
    const result = await load(gate, minutes * 60);
    await wait(SETTLE_SECONDS * 1000);
    const { text } = await ask(`http://127.0.0.1:${originPort}`, "/unfinished", {});
    const version = spawnSync(workerd, ["--version"], { encoding: "utf8" }).stdout.trim();
    const machine = `${cores.count} cores, one of them workerd's, shared with other work`;
    const date = new Date().toISOString().slice(0, 10);
    return report(result, { before, after: held(gate.pid), unfinished: Number(text), failures, machine, version, date });
  });
}

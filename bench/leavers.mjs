// Clients that go away in the midst, and what the gate keeps of them: by V8's own account, after it has collected what nobody
// holds, since a process's memory says little about kilobytes.

import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

import { WebSocket } from "ws";

import { COUNT, tokenOf } from "./credentials.mjs";

const MEBIBYTE = 1024 * 1024;
/** So many at a time. */
const AT_ONCE = 50;
/** The first time fills caches, and wasm's memory to what so many at once need. */
const ROUNDS = 4;
/** How long what was begun may take to end. */
const SETTLE_MS = 3000;
const COLLECTIONS = 6;
const COLLECT_MS = 300;
const CLIENTS = 3000;
/** What they may leave behind together: a tenth of a kilobyte each in V8's heap, two pages of wasm's memory. */
const GROWTH_BYTES = { heap: MEBIBYTE, wasm: 2 * 64 * 1024 };

/** Each sends its first line, fields and body, and resets its connection after so long, or so many bytes of the answer. */
export const LEAVERS = [
  { name: "before the response", line: "GET /late", fields: [], body: "", afterMs: 100 },
  { name: "in the middle of a response's body", line: "GET /endless", fields: [], body: "", afterBytes: 4096 },
  {
    name: "in the middle of sending a body", line: "POST /upload", fields: [`Content-Length: ${MEBIBYTE}`],
    body: "x".repeat(64 * 1024), afterMs: 100,
  },
];

/** One client; tells whether it left where it was meant to. */
export function leave(port, { line, fields, body, afterMs, afterBytes }, number) {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const socket = connect(port, "127.0.0.1", () => {
      const lines = [`${line} HTTP/1.1`, "Host: gate.test", "CF-Connecting-IP: 192.0.2.2", `Authorization: ${tokenOf(number % COUNT)}`, ...fields];
      socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
      if (afterMs !== undefined) setTimeout(end, afterMs, true);
    });
    // Only a client that was answered nothing left before the response; only one that was admitted left a body.
    const timer = setTimeout(end, 10_000, false);
    function end(isInTime) {
      clearTimeout(timer);
      socket.resetAndDestroy();
      const isRight = afterBytes === undefined ? bytes === 0 : bytes >= afterBytes;
      if (isInTime && isRight) resolve();
      else reject(new Error(`a client could not leave as it was meant to: ${line}, ${bytes} bytes`));
    }
    let start = "";
    socket.on("data", (chunk) => {
      if (bytes === 0) start = chunk.toString("latin1");
      bytes += chunk.length;
      if (afterBytes === undefined || !start.startsWith("HTTP/1.1 200 ")) end(false);
      else if (bytes >= afterBytes) end(true);
    });
    socket.on("error", reject);
  });
}

/** Everybody who is meant to leave so, some at a time. */
async function leaveAll(port, leaver, count) {
  let number = 0;
  const one = async () => {
    while (number < count) await leave(port, leaver, number++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Asks V8's inspector, which workerd opens on a port. */
async function inspector(port) {
  const [{ webSocketDebuggerUrl }] = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  const waiting = new Map();
  let contextId;
  socket.on("message", (text) => {
    const { id, result, method, params } = JSON.parse(text);
    if (method === "Runtime.executionContextCreated") contextId = params.context.id;
    waiting.get(id)?.(result);
  });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  let last = 0;
  const ask = (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await ask("Runtime.enable");
  return { ask, evaluate: (expression) => ask("Runtime.evaluate", { expression, contextId }), close: () => socket.close() };
}

/** How large wasm's memory is: it grows by pages of 64 KiB, and never shrinks. */
async function wasmBytes({ ask, evaluate }) {
  const prototype = await evaluate("WebAssembly.Memory.prototype");
  const memories = await ask("Runtime.queryObjects", { prototypeObjectId: prototype.result.objectId });
  const sizes = await ask("Runtime.callFunctionOn", {
    objectId: memories.objects.objectId,
    functionDeclaration: "function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return sizes.result.value;
}

/** What V8 and wasm hold, of several collections the least. */
async function used(session, url) {
  await wait(SETTLE_MS);
  let heap = Infinity;
  for (let round = 0; round < COLLECTIONS; round++) {
    // workerd does not answer this one, and does it. What it frees it lets go of when it has a request to serve.
    session.ask("HeapProfiler.collectGarbage");
    await wait(COLLECT_MS);
    for (let number = 0; number < 10; number++) await (await fetch(url, { headers: { Authorization: tokenOf(0) } })).text();
    const { usedSize, backingStorageSize } = await session.ask("Runtime.getHeapUsage");
    heap = Math.min(heap, usedSize + backingStorageSize);
  }
  return { heap, wasm: await wasmBytes(session) };
}

const kib = (bytes) => (bytes / 1024).toFixed(0);

/** Lets clients go away by the thousand. Gives the figures as Markdown, and what is wrong with them. */
export async function measureLeavers({ url, port, inspectorPort }) {
  const session = await inspector(inspectorPort);
  const [rows, problems] = [[], []];
  for (const leaver of LEAVERS) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      await leaveAll(port, leaver, CLIENTS);
      rounds.push(await used(session, `${url}/kibibyte`));
    }
    for (const [what, allowed] of Object.entries(GROWTH_BYTES)) {
      rows.push(`| ${leaver.name} | ${what} | ${rounds.map((round) => kib(round[what])).join(" | ")} |`);
      const growth = rounds.at(-1)[what] - rounds[0][what];
      if (growth > allowed) problems.push(`${what} grew by ${growth} bytes while clients left ${leaver.name}`);
    }
  }
  session.close();
  const heads = Array.from({ length: ROUNDS }, (_, round) => ((round + 1) * CLIENTS).toLocaleString("en-GB"));
  const text = `Each kind ${ROUNDS} times ${CLIENTS.toLocaleString("en-GB")} clients, ${AT_ONCE} at a time: KiB of V8's heap after collecting, and of wasm's memory. From the
first time to the last, growth by more than ${kib(GROWTH_BYTES.heap)} KiB of the one or ${kib(GROWTH_BYTES.wasm)} of the other would have failed.

| clients that left | what | after ${heads.join(" | ")} |
|---|---|${"---:|".repeat(ROUNDS)}
${rows.join("\n")}`;
  return { text, problems };
}

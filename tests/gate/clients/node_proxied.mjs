// axios, Node's fetch and EventSource, and ws against the gate at argv[2], with the token argv[3]: bodies whose hash is
// argv[5], of argv[4] bytes. argv[6] is a gate whose events are public: an EventSource sends no credentials.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";

import axios from "axios";
import { WebSocket } from "ws";

const [url, token, size, expected, open] = process.argv.slice(2);
const headers = { Authorization: `token ${token}` };
const signal = AbortSignal.timeout(60_000);
const EVENTS = ["event 1", "event 2", "event 3"];

async function hash(stream) {
  const digest = createHash("sha256");
  const pieces = [];
  for await (const piece of stream) {
    digest.update(piece);
    pieces.push(piece);
  }
  assert.equal(digest.digest("hex"), expected);
  return pieces;
}

// axios: what arrives is sent back, with a length and without.
const client = axios.create({ baseURL: url, headers, signal, maxBodyLength: Infinity });
const pieces = await hash((await client.get(`/pattern/${size}`, { responseType: "stream" })).data);
for (const body of [Buffer.concat(pieces), Readable.from(pieces)]) {
  assert.equal((await client.post("/upload", body)).data.body.sha256, expected);
}
assert.equal((await client.get("/gzip")).data, "compressed by the origin");
assert.equal((await client.get("/redirect/own")).data.target, "/login?next=/app");
await assert.rejects(client.get("/status/419"), (error) => error.response.status === 419);

// fetch.
const get = (path, options) => fetch(url + path, { headers, signal, ...options });
await hash((await get(`/pattern/${size}`)).body);
const upload = await get("/upload", { method: "POST", body: ReadableStream.from(pieces), duplex: "half" });
assert.equal((await upload.json()).body.sha256, expected);
assert.equal(await (await get("/gzip")).text(), "compressed by the origin");
const moved = await get("/redirect/307", { method: "PUT", body: "body", redirect: "manual" });
assert.deepEqual([moved.status, moved.headers.get("location")], [307, `${url}/never-followed`]);
assert.equal((await get("/cookies")).headers.getSetCookie().length, 4);

// Events, each of which the origin sends only after the one before it has arrived.
const events = await get("/events/fetch");
let text = "";
let seen = 0;
for await (const piece of events.body.pipeThrough(new TextDecoderStream())) {
  text += piece;
  for (; text.includes(`data: ${EVENTS[seen]}\n\n`); seen += 1) {
    assert.equal((await get("/events/fetch/next")).status, 204);
  }
}
assert.equal(seen, EVENTS.length);

const source = new EventSource(`${open}/events/source`);
const arrived = [];
await new Promise((resolve, reject) => {
  signal.addEventListener("abort", () => reject(signal.reason));
  source.addEventListener("message", ({ data }) => {
    arrived.push(data);
    if (arrived.length === EVENTS.length) resolve();
    else fetch(`${open}/events/source/next`, { signal }).catch(reject);
  });
});
assert.deepEqual(arrived, EVENTS);
source.close();

// ws.
const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers });
const message = async () => (await once(socket, "message", { signal }))[0];
assert.equal(String(await message()), "connected as node");
const megabyte = Buffer.alloc(1 << 20, "binary");
socket.send(megabyte);
assert.ok(megabyte.equals(await message()));
socket.send("close 4003 as asked");
const [code, reason] = await once(socket, "close", { signal });
assert.deepEqual([code, String(reason)], [4003, "as asked"]);
console.log("Node's clients work");

// What stands behind the KV binding: `GET /<name>?…` as workerd asks it. Ends at the end of its input.

import { createServer } from "node:http";

import { entries } from "./credentials.mjs";

const known = entries();
const server = createServer((request, response) => {
  const name = decodeURIComponent(request.url.slice(1).split("?")[0]);
  const entry = known.get(name);
  response.writeHead(entry === undefined ? 404 : 200, { "Content-Length": Buffer.byteLength(entry ?? "") });
  response.end(entry);
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(`READY ${server.address().port}`));
process.stdin.resume().on("end", () => process.exit());

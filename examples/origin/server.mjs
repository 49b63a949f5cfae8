// An origin to try the gate with: answers every request with the request as it received it, and echoes WebSocket
// messages. Listens on 127.0.0.1, on the port in PORT or a free one, and prints `READY <url>`.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

import { WebSocketServer } from "ws";

const SHOWN_BODY_BYTES = 4096;

const server = createServer(async (request, response) => {
  const hash = createHash("sha256");
  const start = [];
  let bytes = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    if (bytes < SHOWN_BODY_BYTES) start.push(chunk);
    bytes += chunk.length;
  }
  const received = {
    method: request.method,
    target: request.url,
    headers: request.headers,
    body: {
      bytes,
      sha256: hash.digest("hex"),
      ...(bytes <= SHOWN_BODY_BYTES && { text: Buffer.concat(start).toString() }),
    },
  };
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(received, null, 2)}\n`);
});

new WebSocketServer({ server }).on("connection", (socket, request) => {
  socket.send(`connected as ${request.headers["x-forwarded-user"] ?? "nobody"}`);
  socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
});

server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`READY http://127.0.0.1:${server.address().port}`);
});

// From the first byte of a module to the first answer, in isolates that nobody has used before.

import { Agent, request } from "node:http";

import { startLoader } from "./contestants.mjs";
import { median, spread } from "./statistics.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const EXPECTED = { empty: 200, hello: 200, gate: 401 };

/** Milliseconds until the answer is there. */
function first(port, name) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const headers = { Authorization: "token k:gks_bad" };
    const sent = request({ agent, headers, host: "127.0.0.1", path: `/${name}`, port }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === EXPECTED[name]) return resolve(performance.now() - begin);
        reject(new Error(`a fresh isolate of ${name} answered ${response.statusCode}`));
      });
    });
    sent.on("error", reject).end();
  });
}

export async function measureStartup(isQuick) {
  const { port } = await startLoader();
  const samples = { empty: [], hello: [], gate: [] };
  for (let round = 0; round <= (isQuick ? 10 : 60); round++) {
    for (const [name, times] of Object.entries(samples)) {
      const time = await first(port, name);
      if (round > 0) times.push(time);
    }
  }
  agent.destroy();
  const of = (name) => ({ ms: median(samples[name]), spread: spread(samples[name]) });
  const ratio = median(samples.gate.map((time, round) => time / samples.hello[round]));
  const own = (name) => median(samples[name].map((time, round) => time - samples.empty[round]));
  return { empty: of("empty"), hello: of("hello"), gate: of("gate"), ratio, ownRatio: own("gate") / own("hello") };
}

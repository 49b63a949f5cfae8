// The Worker as built, each response with the crossings that its request took, work behind the response included.

import { moment, since } from "./counters.mjs";
import Gate from "./index.js";

export default {
  async fetch(request, env, context) {
    const behind = [];
    const waiting = { waitUntil: (promise) => behind.push(promise) };
    const start = moment();
    const response = await Gate.fetch(request, env, waiting);
    await Promise.allSettled(behind);
    const counted = new Response(response.body, response);
    counted.headers.set("x-crossings", JSON.stringify(since(start)));
    return counted;
  },
};

// The Worker as built, with its bindings watched: counts the KV reads of each request in `x-test-kv-reads`, makes
// bindings fail when a request asks for it, logs data points, and lets one invocation of the registry do 1,000 operations on KV
// (Cloudflare, "KV limits"). The bindings behind are the real ones, or the stand-in of kv.mjs.

import { panicAtTheNextLength, trap } from "./traps.mjs";
import Gate, { Registry as BuiltRegistry } from "./index.js";

const OPERATIONS_AN_INVOCATION = 1000;
const SLOW_MILLISECONDS = 2000;

function refuse(what) {
  return Promise.reject(new Error(what));
}

/** USAGE, if it is bound: each data point is logged too. */
function watched({ USAGE }) {
  if (!USAGE) return {};
  const writeDataPoint = (point) => {
    console.log(JSON.stringify({ point }));
    USAGE.writeDataPoint(point);
  };
  return { USAGE: { writeDataPoint } };
}

export default {
  async fetch(request, env, ctx) {
    let reads = 0;
    const KEYS = {
      get(name, options) {
        reads += 1;
        const fails = request.headers.get("x-test-kv") === "fail";
        if (request.headers.get("x-test-panic") === "after the read") panicAtTheNextLength();
        return fails ? refuse("KV fails, as the test asked") : env.KEYS.get(name, options);
      },
      put: (...args) => env.KEYS.put(...args),
    };
    const REGISTRY = {
      getByName(name) {
        const test = request.headers.get("x-test-registry");
        if (test === "fail") throw new Error("the registry fails, as the test asked");
        const registry = env.REGISTRY.getByName(name);
        if (test !== "slow") return registry;
        return { fetch: (...question) => scheduler.wait(SLOW_MILLISECONDS).then(() => registry.fetch(...question)) };
      },
    };
    const limit = (name) => ({
      limit(options) {
        const fails = request.headers.get("x-test-limits") === "fail";
        return fails ? refuse("the limits fail, as the test asked") : env[name].limit(options);
      },
    });
    const limits = env.REQUESTS && { FAILED_AUTH: limit("FAILED_AUTH"), REQUESTS: limit("REQUESTS") };
    const response = await Gate.fetch(request, { ...env, KEYS, REGISTRY, ...limits, ...watched(env) }, ctx);
    if (response.status === 101) return response;
    const counted = new Response(response.body, response);
    counted.headers.set("x-test-kv-reads", String(reads));
    return counted;
  },
};

export class Registry {
  constructor(ctx, env) {
    // Requests that come during an alarm count as the alarm's: stricter than the platform.
    let operations = 0;
    const counted = (method) => (...args) => {
      operations += 1;
      if (operations > OPERATIONS_AN_INVOCATION) return refuse("Too many API requests by single Worker invocation.");
      return env.KEYS[method](...args);
    };
    const KEYS = { put: counted("put"), list: counted("list"), delete: counted("delete") };
    const { storage } = ctx;
    let panics = null;
    const at = (place, fail) => {
      if (panics !== place) return;
      panics = null;
      fail();
    };
    const sql = {
      exec(query, ...bindings) {
        if (query.includes("INTO audit")) at("in the transaction", trap);
        if (query.includes("FROM outbox WHERE folded")) at("after the commit", panicAtTheNextLength);
        if (query.includes("SELECT revision")) at("before the write", panicAtTheNextLength);
        return storage.sql.exec(query, ...bindings);
      },
    };
    const setAlarm = (time) => storage.setAlarm(time);
    const transactionSync = (change) => storage.transactionSync(change);
    const registry = new BuiltRegistry({ storage: { sql, setAlarm, transactionSync } }, { ...env, KEYS, ...watched(env) });
    const fetch = registry.fetch.bind(registry);
    registry.fetch = (request) => {
      panics = request.headers.get("x-test-panic") ?? panics;
      return fetch(request);
    };
    const alarm = registry.alarm.bind(registry);
    registry.alarm = () => {
      operations = 0;
      at("in the alarm", panicAtTheNextLength);
      return alarm();
    };
    return registry;
  }
}

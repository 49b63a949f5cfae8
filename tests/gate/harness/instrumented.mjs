// The Worker as built, with its bindings watched: counts the KV reads of each request in `x-test-kv-reads`, and makes
// bindings fail when a request asks for it. The bindings behind are the real ones.

import Gate, { Registry as BuiltRegistry } from "./index.js";

let kvWritesFail = false;

function refuse(what) {
  return Promise.reject(new Error(`${what} fails, as the test asked`));
}

export default {
  async fetch(request, env, ctx) {
    const asked = request.headers.get("x-test-kv-writes");
    if (asked) {
      kvWritesFail = asked === "fail";
      return new Response(null, { status: 204 });
    }
    let reads = 0;
    const KEYS = {
      get(name, options) {
        reads += 1;
        return request.headers.get("x-test-kv") === "fail" ? refuse("KV") : env.KEYS.get(name, options);
      },
    };
    const REGISTRY = {
      getByName(name) {
        if (request.headers.get("x-test-registry") === "fail") throw new Error("the registry fails, as the test asked");
        return env.REGISTRY.getByName(name);
      },
    };
    const response = await new Gate(ctx, { ...env, KEYS, REGISTRY }).fetch(request);
    if (response.status === 101) return response;
    const counted = new Response(response.body, response);
    counted.headers.set("x-test-kv-reads", String(reads));
    return counted;
  },
};

export class Registry {
  constructor(ctx, env) {
    const KEYS = {
      put: (...args) => (kvWritesFail ? refuse("KV") : env.KEYS.put(...args)),
      list: (...args) => (kvWritesFail ? refuse("KV") : env.KEYS.list(...args)),
      delete: (...args) => (kvWritesFail ? refuse("KV") : env.KEYS.delete(...args)),
    };
    return new BuiltRegistry(ctx, { ...env, KEYS });
  }
}

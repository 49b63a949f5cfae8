// What the platform calls, in place of worker-build's entry: that one wraps every object in two proxies at each request.
// A trap leaves wasm's memory in any state, so the next call starts with a new instance.

import * as gatehouse from "./index.js";

Error.stackTraceLimit = 100;
// The platform's own wraps each task in an object, for twenty times what a promise costs (docs/benchmarks.md).
globalThis.queueMicrotask = (task) => void Promise.resolve().then(task);
let life = 0;
let isDead = false;

/** Ends the registry's calls that are under way. */
const enders = new Set();

globalThis.gatehouseCrashed = () => {
  isDead = true;
  for (const end of enders) end(new Error("wasm trapped"));
  enders.clear();
};

/** A call of the registry's. The platform ends a request that hangs in a dead instance, but not in a Durable Object. */
function unlessItDies(call) {
  return new Promise((resolve, reject) => {
    enders.add(reject);
    call.then(resolve, reject).finally(() => enders.delete(reject));
  });
}

/** Makes sure that there is a living instance. */
function revive() {
  if (!isDead) return;
  console.log("Reinitializing Wasm application");
  gatehouse.__wbg_reset_state();
  isDead = false;
  life++;
}

export default {
  fetch(request, env, context) {
    revive();
    const response = gatehouse.fetch(request, env, context);
    // A client that hangs up ends its request wherever that is waiting, and nobody would log what was done for it.
    if (response instanceof Promise) context.waitUntil(response);
    return response;
  },
};

export class Registry {
  #state;
  #env;
  #registry;
  #life;

  constructor(state, env) {
    this.#state = state;
    this.#env = env;
  }

  fetch(request) {
    return unlessItDies(this.#living().fetch(request));
  }

  alarm() {
    return unlessItDies(this.#living().alarm());
  }

  /** The registry of the instance that lives. */
  #living() {
    revive();
    if (this.#life !== life) {
      this.#registry = new gatehouse.Registry(this.#state, this.#env);
      this.#life = life;
    }
    return this.#registry;
  }
}

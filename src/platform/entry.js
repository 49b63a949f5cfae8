// What the platform calls, in place of worker-build's entry: that one wraps every object in two proxies at each request.
// A panic leaves wasm's memory in any state, so the next call starts with a new instance.

import * as gatehouse from "./index.js";

Error.stackTraceLimit = 100;
const life = gatehouse.__worker_init_state();

function note(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error("Critical", error);
  life.criticalError = true;
}

addEventListener("error", (event) => note(event.error));

async function guarded(call) {
  if (life.criticalError) {
    console.log("Reinitializing Wasm application");
    gatehouse.__wbg_reset_state();
    life.criticalError = false;
    life.instanceId++;
  }
  try {
    return await call();
  } catch (error) {
    note(error);
    throw error;
  }
}

export default {
  fetch: (request, env, context) => guarded(() => gatehouse.fetch(request, env, context)),
};

export class Registry {
  #state;
  #env;
  #registry;
  #instanceId;

  constructor(state, env) {
    this.#state = state;
    this.#env = env;
  }

  fetch(request) {
    return guarded(() => this.#current().fetch(request));
  }

  alarm() {
    return guarded(() => this.#current().alarm());
  }

  /** The registry of the instance that lives. */
  #current() {
    if (this.#instanceId !== life.instanceId) {
      this.#registry = new gatehouse.Registry(this.#state, this.#env);
      this.#instanceId = life.instanceId;
    }
    return this.#registry;
  }
}

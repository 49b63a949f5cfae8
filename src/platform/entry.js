// What the platform calls, in place of worker-build's entry: that one wraps every object in two proxies at each request.
// A trap leaves wasm's memory in any state, so the next call starts with a new instance.

import * as wasm from "./index.js";

Error.stackTraceLimit = 100;
let life = 0;
let isDead = false;

/** Ends the registry's calls that are under way. */
const enders = new Set();

/** The task whose code runs, if it has had to wait or was begun by another. */
let running;

/** Tasks that nothing can go on with any more, for the platform has ended their requests. */
let lost = collector();

function collector() {
  const own = life;
  return new FinalizationRegistry((index) => {
    if (own === life && !isDead) wasm.abandon(index);
  });
}

/** A future in wasm that waits for promises (task.rs). */
class Task {
  life = life;
  index;
  resolve;
  reject;

  /** Gives a promise of what it gives. Only what waits for the task's promises holds it. */
  begin(index) {
    this.index = index;
    lost.register(this, index, this);
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Goes on with what came of a promise. What comes too late, or to an instance that is dead, is nobody's. */
  resume(number, value, isFulfilled) {
    if (this.index === undefined || this.life !== life || isDead) return;
    running = this;
    try {
      const answer = wasm.resume(this.index, number, value, isFulfilled);
      if (answer !== null) this.#end(this.resolve, answer);
    } catch (error) {
      this.#end(this.reject, error);
    }
    running = undefined;
  }

  #end(settle, value) {
    this.index = undefined;
    lost.unregister(this);
    settle(value);
  }
}

/** What wasm calls. */
globalThis.gatehouse = {
  crashed() {
    isDead = true;
    for (const end of enders) end(new Error("wasm trapped"));
    enders.clear();
  },

  wait(promise, number) {
    const task = (running ??= new Task());
    promise.then(
      (value) => task.resume(number, value, true),
      (error) => task.resume(number, error, false),
    );
  },

  spawn(index) {
    const outer = running;
    const task = new Task();
    const promise = task.begin(index);
    task.resume(0, undefined, true);
    running = outer;
    return promise;
  },
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
  wasm.__wbg_reset_state();
  isDead = false;
  life++;
  lost = collector();
}

export default {
  fetch(request, env, context) {
    revive();
    running = undefined;
    const answer = wasm.fetch(request, env, context);
    // A promise costs more than most refusals.
    if (typeof answer !== "number") return answer;
    const response = running.begin(answer);
    running = undefined;
    // A client that hangs up ends its request wherever that is waiting, and nobody would log what was done for it.
    context.waitUntil(response);
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
      this.#registry = new wasm.Registry(this.#state, this.#env);
      this.#life = life;
    }
    return this.#registry;
  }
}

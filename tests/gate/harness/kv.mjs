// A stand-in for Workers KV, as a Worker: keeps KV's published rules, which the local KV does not, and fails when it is
// told to. Sources: Cloudflare's pages "KV limits", "Write key-value pairs", "Read key-value pairs", "How KV works".
//
// - An entry expires 60 s from now at the earliest; one write a second for each name; names of 1 to 512 bytes.
// - What was read, misses too, is read so again for `cacheTtl` (60 s unless said, at least 30), whatever is written.
// - A list holds at most 1,000 names.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

/** The binding. */
export class Keys extends WorkerEntrypoint {
  get(name, options) {
    return store(this.env).get(name, options);
  }
  put(name, value, options) {
    return store(this.env).put(name, value, options);
  }
  delete(name) {
    return store(this.env).delete(name);
  }
  list(options) {
    return store(this.env).list(options);
  }
}

/** For the tests: `[method, ...arguments]`, answered by `{answer}` or `{error}`. */
export default {
  async fetch(request, env) {
    const [method, ...args] = await request.json();
    try {
      return Response.json({ answer: (await store(env)[method](...args)) ?? null });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};

function store(env) {
  return env.STORE.getByName("store");
}

const SECONDS = 1000;

export class Store extends DurableObject {
  #sql;
  /** What the one location that reads remembers: name → [value, until]. */
  #location = new Map();
  /** How long it remembers, in place of what it was told. */
  #staleness = null;
  /** Name → when it was last written. */
  #written = new Map();
  /** What was asked, and whether it landed. */
  #log = [];
  #reads = "work";
  #writes = "work";
  /** The one name that is held, or all. */
  #only = null;
  #cursors = new Set();
  #held = [];
  #heldReads = [];
  /** How far the clock was put forward. */
  #ahead = 0;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER)");
  }

  #now() {
    return Date.now() + this.#ahead;
  }

  #check(name) {
    const length = new TextEncoder().encode(name).length;
    if (length === 0 || length > 512 || name === "." || name === "..") throw new Error("KV: 414 a name of 1 to 512 bytes");
  }

  async get(name, { cacheTtl = 60 } = {}) {
    this.#check(name);
    if (cacheTtl < 30) throw new Error("KV GET failed: 400 Invalid cache_ttl. Cache TTL must be at least 30.");
    if (this.#reads === "hold") await new Promise((release) => this.#heldReads.push(release));
    if (this.#reads === "fail") throw new Error("KV GET failed: 500, as the test asked");
    const [remembered, until] = this.#location.get(name) ?? [null, 0];
    if (until > this.#now()) return remembered;
    const value = this.stored(name);
    this.#location.set(name, [value, this.#now() + (this.#staleness ?? cacheTtl) * SECONDS]);
    return value;
  }

  put(name, value, { expiration, ...unknown } = {}) {
    if (Object.keys(unknown).length > 0) throw new Error(`this stand-in knows no ${Object.keys(unknown)}`);
    if (expiration !== undefined && !Number.isInteger(expiration)) throw new Error("KV PUT failed: 400 Invalid expiration");
    if (expiration !== undefined && expiration * SECONDS < this.#now() + 60 * SECONDS) {
      throw new Error("KV PUT failed: 400 Expiration times must be at least 60 seconds in the future.");
    }
    return this.#write("put", name, () => this.store(name, value, expiration));
  }

  delete(name) {
    return this.#write("delete", name, () => this.#sql.exec("DELETE FROM entries WHERE name = ?", name));
  }

  async #write(operation, name, land) {
    this.#check(name);
    const entry = { operation, name, landed: false };
    this.#log.push(entry);
    if (this.#writes === "hold" && (this.#only ?? name) === name) await new Promise((release) => this.#held.push(release));
    if (this.#writes === "fail") throw new Error(`KV ${operation} failed: 500, as the test asked`);
    if (this.#now() - (this.#written.get(name) ?? 0) < SECONDS) throw new Error(`KV ${operation} failed: 429 Too Many Requests`);
    this.#written.set(name, this.#now());
    land();
    entry.landed = true;
    if (this.#writes === "land and fail") throw new Error(`KV ${operation} failed: the answer was lost, as the test asked`);
  }

  list({ prefix = "", cursor = "", limit = 1000 } = {}) {
    if (limit > 1000) throw new Error("KV LIST failed: 400 a limit of 1,000");
    if (this.#reads === "fail") throw new Error("KV LIST failed: 500, as the test asked");
    if (cursor !== "" && !this.#cursors.has(cursor)) throw new Error("KV LIST failed: 400 Invalid list cursor");
    const rows = this.#sql.exec(
      "SELECT name FROM entries WHERE substr(name, 1, ?) = ? AND name > ? AND ifnull(expires_at, ?) >= ? ORDER BY name LIMIT ?",
      prefix.length, prefix, cursor, Number.MAX_SAFE_INTEGER, this.#now(), limit + 1,
    );
    const names = rows.toArray().map(({ name }) => name);
    const page = names.slice(0, limit);
    if (names.length <= limit) return { keys: page.map((name) => ({ name })), list_complete: true };
    this.#cursors.add(page.at(-1));
    return { keys: page.map((name) => ({ name })), list_complete: false, cursor: page.at(-1) };
  }

  // From here on for the tests alone.

  /** What is stored, whatever a location remembers. */
  stored(name) {
    const [row] = this.#sql.exec("SELECT value, expires_at FROM entries WHERE name = ?", name).toArray();
    return row && (row.expires_at ?? Infinity) > this.#now() ? row.value : null;
  }

  names() {
    return this.#sql.exec("SELECT name FROM entries ORDER BY name").toArray().map(({ name }) => name);
  }

  store(name, value, expiration) {
    this.#sql.exec("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", name, value, expiration ? expiration * SECONDS : null);
  }

  remove(name) {
    this.#sql.exec("DELETE FROM entries WHERE name = ?", name);
  }

  /** `work`, `fail`, `hold` (all names or one) until the next call, or `land and fail`: done, and the answer lost. */
  writes(mode, only = null) {
    this.#writes = mode;
    this.#only = only;
    for (const release of this.#held.splice(0)) release();
  }

  /** Refuses every cursor that was given so far. */
  forgetCursors() {
    this.#cursors.clear();
  }

  /** `work`, `fail`, or `hold` until the next call. */
  reads(mode) {
    this.#reads = mode;
    for (const release of this.#heldReads.splice(0)) release();
  }

  /** Makes the location remember for so many seconds, whatever it is told. */
  stale(seconds) {
    this.#staleness = seconds;
  }

  /** Puts KV's clock forward. */
  advance(seconds) {
    this.#ahead += seconds * SECONDS;
  }

  /** As if a second had passed since each name was written; the clock stays. */
  nextSecond() {
    this.#written.clear();
  }

  /** How many writes wait for a release. */
  held() {
    return this.#held.length;
  }

  /** How many reads wait for a release. */
  heldReads() {
    return this.#heldReads.length;
  }

  /** The writes since the last call. */
  log() {
    return this.#log.splice(0);
  }
}

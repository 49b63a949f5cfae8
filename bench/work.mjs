// What is asked of the contestants.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { place } from "./build.mjs";
import { COUNT, basicOf, tokenOf, wrongBasic, wrongToken } from "./credentials.mjs";

const forwarding = ["proxy", "hono", "tuned", "gate"];
/** With what no gate can be faster than. */
const bounded = [...forwarding, "least"];
const LOGGED_USER = "/api/method/frappe.auth.get_logged_user";

export const cold = (scheme) => join(place, `${scheme}.txt`);

/** Files of Authorization values, for the cold rows. */
export function writeCredentials() {
  const numbers = Array.from({ length: COUNT }, (_, number) => number);
  for (const [scheme, of] of [["token", tokenOf], ["basic", basicOf]]) {
    writeFileSync(cold(scheme), numbers.map((number) => `${of(number)}\n`).join(""));
  }
}

/** Each as its own scheme has it: Hono's middleware knows `Basic` alone. */
const valid = (name) => ({ headers: { Authorization: name === "hono" ? basicOf(0) : tokenOf(0) } });
const wrong = (name) => ({ headers: { Authorization: name === "hono" ? wrongBasic : wrongToken }, isRefused: name !== "proxy" });
const changing = (name) => ({ file: cold(name === "hono" ? "basic" : "token") });
const garbage = () => ({ headers: { Authorization: "token k:gks_bad" }, isRefused: true });

/** One row for each kind of work; `of` says what differs for a contestant, the first of whom is the reference. */
export function work(isQuick) {
  const rounds = (number) => (isQuick ? 2 : number);
  const hot = (connections, number) => ({
    key: `hot${connections}`, title: `valid, hot, ${connections} connection${connections > 1 ? "s" : ""}`, path: "/kibibyte",
    connections, contestants: bounded, of: valid, rounds: rounds(number), isHot: true,
  });
  return [
    hot(1, 7),
    hot(8, 15),
    hot(64, 15),
    { key: "cold", title: "valid, cold, 64 connections", path: "/kibibyte", connections: 64, contestants: forwarding, of: changing, rounds: rounds(7) },
    { key: "wrong", title: "wrong secret, 64 connections", path: "/kibibyte", connections: 64, contestants: forwarding, of: wrong, rounds: rounds(7) },
    { key: "garbage", title: "garbage, 64 connections", path: "/kibibyte", connections: 64, contestants: ["constant", "hono", "tuned", "unlimited"], of: garbage, rounds: rounds(11) },
    { key: "loggedUser", title: "`get_logged_user`, 64 connections", path: LOGGED_USER, connections: 64, contestants: forwarding, of: valid, rounds: rounds(7) },
    { key: "upload1k", title: "1 KiB to the origin, 8 connections", path: "/upload", method: "POST", bodyBytes: 1024, connections: 8, contestants: forwarding, of: valid, rounds: rounds(5) },
    { key: "upload1m", title: "1 MiB to the origin, 8 connections", path: "/upload", method: "POST", bodyBytes: 1024 * 1024, connections: 8, contestants: forwarding, of: valid, rounds: rounds(5) },
    { key: "download1m", title: "1 MiB from the origin, 8 connections", path: "/mebibyte", connections: 8, contestants: forwarding, of: valid, rounds: rounds(5) },
  ];
}

/** What is asked at half of the bare proxy's highest rate. */
export const paced = (isQuick) =>
  [8, 64].map((connections) => ({
    title: `${connections} connections`, path: "/kibibyte", connections, contestants: bounded, of: valid, rounds: isQuick ? 1 : 7,
  }));

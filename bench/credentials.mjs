// The 10,000 credentials of the bench, and what KV holds for them (docs/storage.md).

import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";

export const COUNT = 10_000;
export const PEPPER = "a pepper for benchmarks, of more than 32 bytes";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const digestKey = hmac(PEPPER, "gatehouse/digest/1");
const sealKey = hmac(PEPPER, "gatehouse/seal/1");
const hex = (number, length) => number.toString(16).padStart(length, "0");

function secretOf(number) {
  const body = `gks_${hex(number, 40)}`;
  return body + hex(crc32(body), 8);
}

/** `api_key:api_secret` of a user. */
export const pairOf = (number) => `${hex(number, 20)}:${secretOf(number)}`;

export const userOf = (number) => `user-${number}@example.test`;

/** As the gate and the hand-tuned Worker take them. */
export const tokenOf = (number) => `token ${pairOf(number)}`;

/** As Hono's middleware takes them. */
export const basicOf = (number) => `Basic ${Buffer.from(pairOf(number)).toString("base64")}`;

/** A secret of the gate's form that is somebody else's: right but for the api_key. */
const wrongPair = `${hex(0, 20)}:${secretOf(COUNT)}`;
export const wrongToken = `token ${wrongPair}`;
export const wrongBasic = `Basic ${Buffer.from(wrongPair).toString("base64")}`;

function sealed(number) {
  const [api_key] = pairOf(number).split(":");
  const name = `credential/${hmac(digestKey, pairOf(number)).toString("hex")}`;
  const grant = Buffer.from(JSON.stringify({ api_key, roles: ["Clerk"], user: userOf(number) })).toString("base64url");
  return [name, JSON.stringify({ v: 1, grant, seal: hmac(sealKey, `${name}\n${grant}`).toString("hex") })];
}

/** What KV holds, by name: a sealed grant for each, and for Hono's Worker the user by a plain hash. */
export function entries() {
  const numbers = Array.from({ length: COUNT }, (_, number) => number);
  const hashed = (number) => [`user/${createHash("sha256").update(pairOf(number)).digest("hex")}`, userOf(number)];
  return new Map(numbers.flatMap((number) => [sealed(number), hashed(number)]));
}

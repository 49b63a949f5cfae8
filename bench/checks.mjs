// Before anything is timed: everybody does the work that the tables say.

import assert from "node:assert/strict";
import { request } from "node:http";

import { basicOf, tokenOf, userOf, wrongBasic, wrongToken } from "./credentials.mjs";
import { CLIENT_HEADERS } from "./load.mjs";

const LOGGED_USER = "/api/method/frappe.auth.get_logged_user";
/** Made anew by each. */
const OWN = ["x-request-id", "date", "host", "x-forwarded-host"];

/** As wrk asks: `fetch` would add fields that only browsers send. */
function ask(contestant, path, authorization, { method = "GET", body } = {}) {
  const headers = { ...CLIENT_HEADERS, Authorization: authorization };
  return new Promise((resolve, reject) => {
    const sent = request(contestant.url + path, { headers, method }, (response) => {
      const { statusCode: status, headers } = response;
      response.setEncoding("utf8").toArray().then((chunks) => resolve({ status, headers, text: chunks.join("") }), reject);
    });
    sent.on("error", reject).end(body);
  });
}

const fields = (text) =>
  new Map(text.trim().split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));

const claims = (jwt) => {
  const { iat, exp, ...rest } = JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));
  return { ...rest, lifetime: exp - iat, header: jwt.split(".")[0] };
};

/** What the origin sees, but for what differs from request to request. */
async function seen(contestant, authorization) {
  const response = await ask(contestant, "/headers", authorization);
  const found = fields(response.text);
  assert.match(found.get("x-request-id"), /^[0-9a-f]{32}$/);
  assert.equal(response.headers["x-request-id"], found.get("x-request-id"));
  const assertion = claims(found.get("x-gatehouse-assertion"));
  assert.equal(assertion.sub, userOf(7));
  const rest = [...found].filter(([name]) => !OWN.includes(name) && name !== "x-gatehouse-assertion");
  return { assertion, fields: Object.fromEntries(rest.toSorted()) };
}

async function refusal(contestant, authorization) {
  const response = await ask(contestant, "/kibibyte", authorization);
  assert.equal(response.status, 401, contestant.name);
  const names = Object.fromEntries(Object.entries(response.headers).filter(([name]) => !OWN.includes(name)));
  assert.equal(response.headers["x-request-id"]?.length, 32);
  return { names, body: JSON.parse(response.text) };
}

export async function check({ proxy, hono, tuned, gate, constant, unlimited, least }) {
  for (const contestant of [proxy, hono, tuned, gate, unlimited, least]) {
    const authorization = contestant === hono ? basicOf(7) : tokenOf(7);
    const response = await ask(contestant, "/kibibyte", authorization);
    assert.deepEqual([response.status, response.text.length], [200, 1024], contestant.name);
    const uploaded = await ask(contestant, "/upload", authorization, { method: "POST", body: "x".repeat(1 << 20) });
    assert.equal(uploaded.text, String(1 << 20), contestant.name);
    if (contestant === proxy || contestant === least) continue;
    const user = JSON.parse((await ask(contestant, LOGGED_USER, authorization)).text);
    assert.deepEqual(user, { message: userOf(7) }, contestant.name);
    const refused = await ask(contestant, "/kibibyte", contestant === hono ? wrongBasic : wrongToken);
    assert.equal(refused.status, 401, contestant.name);
  }
  // The hand-tuned Worker tells the origin, and refuses, exactly what the gate does.
  for (const authorization of [tokenOf(7), basicOf(7)]) {
    assert.deepEqual(await seen(tuned, authorization), await seen(gate, authorization));
  }
  // The least asks no less of the platform than the gate: the same names of fields, with as many bytes.
  const asked = fields((await ask(least, "/headers", tokenOf(0))).text);
  const given = fields((await ask(gate, "/headers", tokenOf(0))).text);
  const sizes = (all) => Object.fromEntries([...all].map(([name, value]) => [name, value.length]).toSorted());
  assert.deepEqual(sizes(asked), sizes(given));
  for (const contestant of [tuned, gate]) {
    const location = (await ask(contestant, "/redirect", tokenOf(7))).headers.location;
    assert.equal(location, "http://gate.test/kibibyte", contestant.name);
  }
  const expected = await refusal(unlimited, "token k:gks_bad");
  for (const contestant of [constant, tuned, gate]) {
    assert.deepEqual(await refusal(contestant, "token k:gks_bad"), expected, contestant.name);
  }
}

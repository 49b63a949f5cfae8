// Scripts in pages of other web origins: those of ALLOWED_ORIGINS read the gate's own answers and change things by them;
// others can do neither.

import assert from "node:assert/strict";

import { ADMINISTRATOR, ADMINISTRATOR_SECRET, browser, given, url } from "../browser.mjs";

/** In the page: what its script learns of each request. */
function ask([gate, requests]) {
  return Promise.all(
    requests.map(async ({ path, ...init }) => {
      try {
        const response = await fetch(gate + path, init);
        const id = response.headers.get("X-Request-Id");
        const challenge = response.headers.get("WWW-Authenticate");
        return [response.status, Boolean(id), challenge, await response.json()];
      } catch (error) {
        return error.name;
      }
    }),
  );
}

const who = "/api/method/frappe.auth.get_logged_user";
const headers = { Authorization: `token ${ADMINISTRATOR}:${ADMINISTRATOR_SECRET}`, "X-Anything": "asked for in the preflight" };
const requests = (user) => [
  { path: who, headers },
  { path: who, headers, credentials: "include" },
  { path: who, headers: { Authorization: "token wrong:wrong" } },
  // Without a preflight, which would be the origin's to answer.
  { path: "/proxied" },
  { path: `/_gatehouse/users/${user}`, method: "PUT", headers, body: "{}" },
  { path: "/_gatehouse/users/nobody", headers },
];

const { page, close } = await browser();
try {
  await page.goto(`${given.allowed}/page`);
  const [mine, withCredentials, wrong, proxied, changed, missing] = await page.evaluate(ask, [url, requests("allowed")]);
  assert.deepEqual(mine, [200, true, null, { message: ADMINISTRATOR }]);
  assert.deepEqual(withCredentials, mine);
  for (const refused of [wrong, proxied]) {
    assert.deepEqual(refused.slice(0, 3), [401, true, 'token realm="gatehouse"']);
    assert.equal(refused[3].exc_type, "AuthenticationError");
  }
  assert.deepEqual(changed.slice(0, 2), [201, true]);
  assert.deepEqual(missing.slice(0, 2), [404, true]);

  await page.goto(`${given.other}/page`);
  const unread = await page.evaluate(ask, [url, requests("other")]);
  assert.deepEqual(unread, Array(6).fill("TypeError"));
  const simple = await page.evaluate(ask, [url, [{ path: who, method: "POST", mode: "cors" }]]);
  assert.deepEqual(simple, ["TypeError"]);
} finally {
  await close();
}

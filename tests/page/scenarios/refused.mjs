// Who is not let in, and why.

import assert from "node:assert/strict";

import { given, picture, says, scenario, signIn, url } from "../browser.mjs";

await scenario(async (page) => {
  await picture(page, "sign-in");
  await signIn(page, "Administrator", "wrong");
  await says(page, "The gate does not know this API key");
  await picture(page, "wrong-password");
  assert.equal(await page.locator("input[name=api_secret]").inputValue(), "");
  assert.equal(await page.locator("#view").isVisible(), false);

  await signIn(page, given.api_key, given.api_secret);
  await says(page, "this page is for System Managers");

  // As many failures as one address has in a minute.
  const guess = () => fetch(`${url}/_gatehouse/users`, { headers: { Authorization: "token guess:guess" } });
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await guess()).status));
  assert.ok(statuses.includes(401));
  assert.equal((await guess()).status, 429);
  await signIn(page, given.api_key, given.api_secret);
  await says(page, /Too many failed attempts.*Try again in \d+ seconds/);
});

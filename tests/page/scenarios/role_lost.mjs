// A manager loses the role while signed in.

import assert from "node:assert/strict";

import { given, manage, picture, says, scenario, signIn } from "../browser.mjs";

await scenario(async (page) => {
  await signIn(page, given.api_key, given.api_secret);
  await page.getByRole("link", { name: "manager" }).click();
  await says(page, "API Access");
  await manage("PUT", "users/manager", { roles: [] });
  await page.getByRole("button", { name: "Disable" }).click();
  await says(page, "you are not a System Manager any more");
  await picture(page, "no-longer-authorised");
  assert.equal(await page.locator("#view").textContent(), "", "what was shown is forgotten");
  assert.equal((await manage("GET", "users/manager")).enabled, true);
  await page.evaluate(() => (location.hash = "#/audit"));
  assert.equal(await page.locator("#view").textContent(), "", "nothing more can be seen");
});

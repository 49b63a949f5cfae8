// A user who got keys by RPC and by command gets keys here too: the api_key is the one it always was.

import assert from "node:assert/strict";

import { given, scenario, shownKeys, signIn, statusFor } from "../browser.mjs";

await scenario(async (page) => {
  await signIn(page);
  await page.getByRole("link", { name: given.user }).click();
  await page.getByRole("button", { name: "Generate Keys again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Generate Keys" }).click();
  const { apiKey, apiSecret } = await shownKeys(page);
  assert.equal(apiKey, given.api_key);
  assert.equal(await statusFor(apiKey, apiSecret), 200);
});

// The dialog is closed while the gate makes a new secret: the old one is dead by then, so the new one must be shown.

import assert from "node:assert/strict";

import { given, says, scenario, shownKeys, signIn, statusFor } from "../browser.mjs";

await scenario(async (page) => {
  await signIn(page);
  await page.getByRole("link", { name: given.user }).click();
  await page.getByRole("button", { name: "Generate Keys again" }).click();
  let goOn;
  const closed = new Promise((resolve) => (goOn = resolve));
  await page.route("**/generate", async (route) => {
    await closed;
    await route.continue();
  });
  const asked = page.waitForRequest("**/generate");
  await page.getByRole("dialog").getByRole("button", { name: "Generate Keys" }).click();
  await asked;
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  goOn();
  const { apiKey, apiSecret } = await shownKeys(page);
  assert.equal(await statusFor(apiKey, apiSecret), 200);
  await page.keyboard.press("Escape");
  await says(page, "one works");
});

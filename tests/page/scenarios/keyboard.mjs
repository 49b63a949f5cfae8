// The same way with a keyboard alone.

import assert from "node:assert/strict";

import { ADMINISTRATOR_SECRET, says, scenario, shownKeys, statusFor } from "../browser.mjs";

/** What has the focus: an id, or a name. */
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.textContent);

/** Presses Tab until something has the focus, as a person would. */
async function tabTo(page, wanted) {
  for (let pressed = 0; pressed < 30; pressed += 1) {
    if ((await focused(page)).includes(wanted)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${wanted}, but to ${await focused(page)}`);
}

/** A button that is still at work takes no second press. */
async function enter(page) {
  await page.waitForFunction(() => !document.activeElement.ariaBusy);
  await page.keyboard.press("Enter");
}

await scenario(async (page) => {
  assert.equal(await focused(page), "api_secret", "the name is filled in, the secret is next");
  await page.keyboard.type(ADMINISTRATOR_SECRET);
  await enter(page);
  await says(page, "No users yet");
  assert.equal(await focused(page), "Users", "the new view's heading is read out");

  await tabTo(page, "add-first");
  await enter(page);
  assert.equal(await focused(page), "user");
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "add-first", "Escape leads back to the button");
  await enter(page);
  await page.keyboard.type("bob");
  await enter(page);
  const { apiKey, apiSecret } = await shownKeys(page);
  assert.equal(await statusFor(apiKey, apiSecret), 200);
  await tabTo(page, "Done");
  await enter(page);
  await says(page, "API Access");
  assert.equal(await focused(page), "bob");

  await tabTo(page, "generate");
  await enter(page);
  assert.equal(await focused(page), "grace");
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "generate");
  await enter(page);
  await page.keyboard.press("ArrowDown");
  await tabTo(page, "Generate Keys");
  await enter(page);
  await shownKeys(page);
  await page.keyboard.press("Escape");
  await says(page, "two work");
  await page.waitForFunction(() => document.activeElement.id === "generate");

  await tabTo(page, "enabled");
  await page.keyboard.press("Space");
  await page.locator("#enabled", { hasText: "Enable" }).waitFor();
  await page.waitForFunction(() => document.activeElement.id === "enabled");

  await tabTo(page, "revoke");
  await enter(page);
  assert.equal(await focused(page), "Cancel", "what cannot be undone is not the first choice");
  await tabTo(page, "Revoke bob");
  await enter(page);
  await says(page, "The keys of bob are revoked.");
  await page.waitForFunction(() => document.activeElement.textContent === "bob");
});

// From an empty gate to a key that works, is rotated with a grace, and is revoked.

import assert from "node:assert/strict";

import { picture, says, scenario, shownKeys, signIn, statusFor, url } from "../browser.mjs";

const USER = "alice@example.com";

await scenario(async (page) => {
  await signIn(page);
  await says(page, "No users yet");
  assert.equal(await page.locator("input[name=api_secret]").inputValue(), "", "the password stays in its field");
  await picture(page, "empty");

  await page.getByRole("button", { name: "Add a user and generate keys" }).click();
  await page.getByLabel("User", { exact: true }).fill(USER);
  await picture(page, "add-user");
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();

  const first = await shownKeys(page);
  await picture(page, "secret");
  await page.getByRole("button", { name: "Copy API secret" }).click();
  await says(page, "API secret copied.");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first.apiSecret);
  await page.getByRole("button", { name: "Copy Try it" }).click();
  const line = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(line, `curl -H 'Authorization: token ${first.apiKey}:${first.apiSecret}' ${url}/api/method/frappe.auth.get_logged_user`);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("heading", { name: USER }).waitFor();
  assert.ok(!(await page.content()).includes(first.apiSecret), "the secret outlives its dialog");
  assert.equal(await statusFor(first.apiKey, first.apiSecret), 200);
  await says(page, "API Access");
  await picture(page, "user");

  await page.getByRole("button", { name: "Generate Keys again" }).click();
  await page.getByLabel("The old secret").selectOption({ label: "works 1 more hour" });
  await picture(page, "rotate");
  await page.getByRole("dialog").getByRole("button", { name: "Generate Keys" }).click();
  const second = await shownKeys(page);
  assert.equal(second.apiKey, first.apiKey, "the API key stays for life");
  assert.notEqual(second.apiSecret, first.apiSecret);
  await page.keyboard.press("Escape");
  await says(page, "two work");
  for (const { apiKey, apiSecret } of [first, second]) assert.equal(await statusFor(apiKey, apiSecret), 200);

  await page.getByRole("button", { name: "Revoke …" }).click();
  await page.getByRole("heading", { name: `Revoke the keys of ${USER}?` }).waitFor();
  await picture(page, "confirm");
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await statusFor(second.apiKey, second.apiSecret), 200, "cancelled");
  await page.getByRole("button", { name: "Revoke …" }).click();
  await page.getByRole("button", { name: `Revoke ${USER}` }).click();
  await page.locator("#view .badge", { hasText: "revoked" }).waitFor();
  for (const { apiKey, apiSecret } of [first, second]) assert.equal(await statusFor(apiKey, apiSecret), 401);
  await picture(page, "revoked", { fullPage: true });

  await page.getByRole("link", { name: "Audit log" }).click();
  await page.locator("td b", { hasText: "revoke" }).first().waitFor();
  await picture(page, "audit");

  await page.goBack();
  await page.getByRole("button", { name: "Delete user …" }).click();
  await page.getByRole("button", { name: `Delete ${USER}` }).click();
  await says(page, "No users yet");
});

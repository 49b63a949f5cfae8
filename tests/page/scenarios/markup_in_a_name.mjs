// A user name, a role and a guessed path that a careless page would take for markup.

import assert from "node:assert/strict";

import { manage, picture, says, scenario, shownKeys, signIn } from "../browser.mjs";

const NAME = `<img src=x onerror="alert(1)">'/../%2e&amp;`;

await scenario(async (page) => {
  await manage("PUT", `users/${encodeURIComponent(NAME)}`, { roles: ["<script>alert(2)</script>"] });
  await signIn(page);
  await page.getByRole("link", { name: NAME }).click();
  await page.getByRole("heading", { name: NAME }).waitFor();
  await page.getByRole("button", { name: "Generate Keys" }).click();
  const { dialog } = await shownKeys(page);
  assert.equal(await dialog.getByRole("heading").textContent(), `Keys for ${NAME}`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Revoke …" }).click();
  await page.getByRole("heading", { name: `Revoke the keys of ${NAME}?` }).waitFor();
  await picture(page, "markup-in-a-name");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Audit log" }).click();
  await says(page, "<script>alert(2)</script>");
  assert.equal(await page.locator("#view img, #view script").count(), 0);
});

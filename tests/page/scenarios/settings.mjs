// Every setting of a user, in the form and at the gate.

import assert from "node:assert/strict";

import { manage, picture, says, scenario, signIn } from "../browser.mjs";

await scenario(async (page) => {
  await manage("PUT", "users/carol", { roles: ["Sales User"] });
  await signIn(page);
  await page.getByRole("link", { name: "carol" }).click();
  await page.getByLabel("Roles").fill("System Manager, Sales User");
  await page.getByLabel("Expires").fill("2040-01-31T12:30");
  await page.getByLabel("Allowed addresses").fill("192.0.2.0/24\n2001:db8::/32");
  await page.getByLabel("Access rules").fill("GET /reports/*\n* /_gatehouse/**");
  await page.getByLabel("Strict").check();
  await page.getByRole("button", { name: "Save settings" }).click();
  await says(page, "Saved.");
  const { roles, not_after, allowed_ips, rules, strict } = await manage("GET", "users/carol");
  assert.deepEqual(roles.sort(), ["Sales User", "System Manager"]);
  assert.equal(not_after, "2040-01-31T11:30:00Z");
  assert.deepEqual(allowed_ips, ["192.0.2.0/24", "2001:db8::/32"]);
  assert.deepEqual(rules, ["GET /reports/*", "* /_gatehouse/**"]);
  assert.equal(strict, true);
  await picture(page, "settings", { fullPage: true });

  // Somebody else's change meanwhile is not undone by saving another field.
  await manage("PUT", "users/carol", { roles: ["Elsewhere"] });
  await page.getByLabel("Expires").fill("");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByText("Saved.").waitFor();
  await page.waitForFunction(() => document.querySelector("[name=not_after]").value === "" && document.querySelector("[name=roles]").value === "Elsewhere");
  assert.equal((await manage("GET", "users/carol")).not_after, null);

  await page.getByLabel("Allowed addresses").fill("not an address");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByRole("alert").filter({ hasText: "Not a list of addresses" }).waitFor();
  assert.equal(await page.getByLabel("Allowed addresses").inputValue(), "not an address", "what was typed is kept");
  await picture(page, "settings-refused");

  await page.getByRole("button", { name: "Disable" }).click();
  await page.locator("#view .badge", { hasText: "disabled" }).waitFor();
  assert.equal((await manage("GET", "users/carol")).enabled, false);

  // A name that is reserved is refused, and nobody is signed out for it.
  await page.getByRole("link", { name: "← Users" }).click();
  await page.getByRole("button", { name: "Add user" }).click();
  await page.getByLabel("User", { exact: true }).fill("Guest");
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  await page.getByRole("alert").filter({ hasText: "reserved" }).waitFor();
  await page.getByLabel("User", { exact: true }).fill("carol");
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  await page.getByRole("alert").filter({ hasText: "already" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "carol" }).waitFor();
}, { timezoneId: "Europe/Berlin" });

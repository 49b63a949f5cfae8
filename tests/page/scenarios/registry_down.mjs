// The registry fails, and comes back.

import { picture, says, scenario, signIn } from "../browser.mjs";

await scenario(async (page) => {
  await page.setExtraHTTPHeaders({ "x-test-registry": "fail" });
  await signIn(page);
  await says(page, "The gate cannot decide right now.");
  await page.setExtraHTTPHeaders({});
  await page.getByRole("button", { name: "Sign in" }).click();
  await says(page, "No users yet");

  await page.setExtraHTTPHeaders({ "x-test-registry": "fail" });
  await page.getByRole("link", { name: "Audit log" }).click();
  await says(page, "That did not work");
  await picture(page, "failed");
  await page.setExtraHTTPHeaders({});
  await page.getByRole("button", { name: "Try again" }).click();
  await says(page, "Nothing has happened yet.");

  // In a dialog nothing that was typed is lost.
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByRole("button", { name: "Add user", exact: true }).click();
  await page.getByLabel("User", { exact: true }).fill("dora");
  await page.setExtraHTTPHeaders({ "x-test-registry": "fail" });
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  await page.getByRole("alert").filter({ hasText: "The gate cannot decide right now." }).waitFor();
  await page.setExtraHTTPHeaders({});
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  await says(page, "Keys for dora");

  await page.context().setOffline(true);
  await page.keyboard.press("Escape");
  await says(page, "The gate did not answer.");
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await says(page, "API Access");
});

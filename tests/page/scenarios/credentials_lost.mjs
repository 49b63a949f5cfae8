// A manager's credentials are revoked while a dialog is open.

import { given, manage, says, scenario, signIn } from "../browser.mjs";

await scenario(async (page) => {
  await signIn(page, given.api_key, given.api_secret);
  await page.getByRole("button", { name: "Add user" }).click();
  await page.getByLabel("User", { exact: true }).fill("eve");
  await manage("POST", "users/manager/revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  await says(page, "these credentials were revoked");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await signIn(page);
  await page.getByRole("link", { name: "manager" }).waitFor();
});

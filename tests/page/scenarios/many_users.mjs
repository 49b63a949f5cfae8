// More users than one page of the list holds.

import assert from "node:assert/strict";

import { manage, picture, says, scenario, signIn } from "../browser.mjs";

await scenario(async (page) => {
  const users = Array.from({ length: 60 }, (_, number) => ({ user: `user${String(number).padStart(2, "0")}`, enabled: number !== 7 }));
  await manage("POST", "import", { users });
  await signIn(page);
  const rows = page.locator("#users tbody tr");
  await page.getByRole("link", { name: "user49" }).waitFor();
  assert.equal(await rows.count(), 50);
  await page.getByRole("button", { name: "Load more" }).click();
  await page.getByRole("link", { name: "user59" }).waitFor();
  assert.equal(await rows.count(), 60);
  assert.equal(await page.getByRole("button", { name: "Load more" }).isVisible(), false);

  await page.getByLabel("Status", { exact: true }).selectOption("disabled");
  await page.getByRole("link", { name: "user00" }).waitFor({ state: "detached" });
  assert.deepEqual(await rows.locator("a").allTextContents(), ["user07"]);
  await page.getByLabel("Status", { exact: true }).selectOption("");
  await page.getByRole("link", { name: "user00" }).waitFor();
  await page.getByRole("searchbox").fill("user1");
  await page.getByRole("link", { name: "user00" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "user19" }).waitFor();
  assert.equal(await rows.count(), 10);
  await picture(page, "search");
  await page.getByRole("link", { name: "user17" }).click();
  await page.getByRole("link", { name: "← Users" }).click();
  await page.getByRole("link", { name: "user17" }).waitFor();
  assert.equal(await rows.count(), 10, "the search is forgotten on the way back");
  await page.getByRole("searchbox").fill("nobody");
  await says(page, "Nobody matches");
  await picture(page, "nobody-matches");
  await page.getByRole("searchbox").fill("");
  await page.getByRole("link", { name: "user49" }).waitFor();
});

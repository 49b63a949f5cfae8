// KV takes no writes: the change is made, and the page says honestly that it is not everywhere yet.

import { picture, says, scenario, shownKeys, signIn } from "../browser.mjs";

await scenario(async (page) => {
  await signIn(page);
  await page.getByRole("button", { name: "Add a user and generate keys" }).click();
  await page.getByLabel("User", { exact: true }).fill("frank");
  await page.getByRole("dialog").getByRole("button", { name: "Add user" }).click();
  const { dialog } = await shownKeys(page);
  await dialog.getByText("Still spreading").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#view .badge", { hasText: "spreading" }).waitFor();
  await says(page, "KV does not say so yet");
  await picture(page, "spreading");
  await page.getByRole("button", { name: "Check again" }).click();
  await page.locator("#view .badge", { hasText: "spreading" }).waitFor();
});

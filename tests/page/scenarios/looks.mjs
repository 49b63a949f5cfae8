// Every view in light and dark at four widths: nothing may stick out.

import assert from "node:assert/strict";

import { PHONE, manage, picture, says, scenario, signIn } from "../browser.mjs";

await manage("PUT", "users/alice.liddell@wonderland.example.com", { roles: ["System Manager", "Sales User"] });
await manage("POST", "users/alice.liddell@wonderland.example.com/generate");
await manage("PUT", "users/inventory-sync", { not_after: "2040-01-01T00:00:00Z", roles: ["Stock User"] });
await manage("POST", "users/inventory-sync/generate");
await manage("PUT", "users/mobile-app", { enabled: false });
await manage("PUT", "users/old-laptop", { not_after: "2020-01-01T00:00:00Z" });
await manage("POST", "users/old-laptop/generate");
await manage("POST", "users/webhooks/generate");
await manage("POST", "users/webhooks/revoke");

async function fits(page) {
  const [inner, content] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(content <= inner, `${await page.title()}: ${content} px of content in ${inner} px`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of [["wide", { width: 1280, height: 860 }], ["tablet", { width: 768, height: 1024 }], ["phone", PHONE], ["narrow", { width: 320, height: 640 }]]) {
    await scenario(async (page) => {
      const look = async (view) => {
        await fits(page);
        const fullPage = (await page.getByRole("dialog").count()) === 0;
        await picture(page, `${size}-${colorScheme}-${view}`, { fullPage });
      };
      await look("sign-in");
      await signIn(page);
      await page.getByRole("link", { name: "webhooks" }).waitFor();
      await look("users");
      await page.getByRole("button", { name: "Add user" }).click();
      await look("add-user");
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "inventory-sync" }).click();
      await page.locator("td b", { hasText: "generate" }).first().waitFor();
      await look("user");
      await page.getByRole("button", { name: "Generate Keys again" }).click();
      await look("rotate");
      await page.getByRole("dialog").getByRole("button", { name: "Generate Keys" }).click();
      await says(page, "Keys for");
      await look("secret");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Revoke …" }).click();
      await look("confirm");
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "Audit log" }).click();
      await page.locator("td b", { hasText: "revoke" }).first().waitFor();
      await look("audit");
      await page.getByRole("link", { name: "Import" }).click();
      await page.getByLabel("File").setInputFiles({
        name: "users.csv", mimeType: "text/csv", buffer: Buffer.from("user,api_key\nnew-one,\ninventory-sync,another"),
      });
      await says(page, "1 created · 1 conflict");
      await look("import");
    }, { colorScheme, viewport });
  }
}

// A file of users: what would happen, then what happens.

import assert from "node:assert/strict";

import { manage, picture, says, scenario, signIn, statusFor } from "../browser.mjs";

const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

const CSV = `\uFEFFUser,API Key,API Secret,roles,enabled,allowed_ips\r
alice,000000000000001,000000000000002,"Sales User, ""Quoted""",yes,\r
bob,000000000000003,000000000000004,,no,"192.0.2.1, 192.0.2.2"\r
taken,TAKEN,000000000000009,,,\r
Guest,000000000000005,000000000000006,,,\r
`;

await scenario(async (page) => {
  const { api_key } = await manage("POST", "users/holder/generate");
  await signIn(page);
  await page.getByRole("link", { name: "Import" }).click();
  await page.getByLabel("File").setInputFiles(file("users.csv", CSV.replace("TAKEN", api_key)));
  await says(page, "2 created · 1 conflict · 1 invalid");
  await says(page, "2 cannot be imported and will be left out.");
  await says(page, "this api_key is another user's");
  await picture(page, "import-preview");
  assert.equal((await manage("GET", "users?q=alice")).users.length, 0, "a preview changes nothing");
  assert.ok(!(await page.content()).includes("000000000000002"), "a secret is shown");

  await page.getByRole("button", { name: "Import 2 of 4 rows" }).click();
  await says(page, "2 imported.");
  while ((await manage("GET", "health")).outbox > 0) await page.waitForTimeout(50);
  assert.equal(await statusFor("000000000000001", "000000000000002"), 200);
  const [alice] = (await manage("GET", "users?q=alice")).users;
  assert.deepEqual(alice.roles, ['"Quoted"', "Sales User"]);
  const [bob] = (await manage("GET", "users?q=bob")).users;
  assert.deepEqual([bob.enabled, bob.allowed_ips], [false, ["192.0.2.1/32", "192.0.2.2/32"]]);

  // More than the gate takes at a time, in the other format.
  const users = Array.from({ length: 1100 }, (_, number) => ({ user: `many${number}` }));
  await page.getByLabel("File").setInputFiles(file("users.json", JSON.stringify({ users })));
  await page.getByRole("button", { name: "Import 1100 of 1100 rows" }).click();
  await says(page, "1100 imported.");

  await page.getByLabel("File").setInputFiles(file("users.json", "{ no json"));
  await page.getByRole("alert").filter({ hasText: "This looks like JSON, but is not." }).waitFor();
});

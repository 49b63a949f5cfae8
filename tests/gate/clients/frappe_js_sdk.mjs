// frappe-js-sdk against the gate at argv[2], with the token argv[3]: the signed-in user, then a document's life.

import assert from "node:assert/strict";

import { FrappeApp } from "frappe-js-sdk";

const [url, token] = process.argv.slice(2);
const app = new FrappeApp(url, { useToken: true, token: () => token, type: "token" });
assert.equal(await app.auth().getLoggedInUser(), "js-sdk");

const documents = app.db();
const created = await documents.createDoc("ToDo", { description: "made by the SDK" });
assert.equal(created.owner, "js-sdk");
assert.equal((await documents.getDoc("ToDo", created.name)).description, "made by the SDK");
assert.equal((await documents.updateDoc("ToDo", created.name, { description: "changed" })).description, "changed");
assert.ok((await documents.getDocList("ToDo")).some(({ name }) => name === created.name));
await documents.deleteDoc("ToDo", created.name);
await assert.rejects(documents.getDoc("ToDo", created.name), (error) => error.httpStatus === 404);

const stranger = new FrappeApp(url, { useToken: true, token: () => `${token}0`, type: "token" });
await assert.rejects(stranger.auth().getLoggedInUser(), (error) => error.exc_type === "AuthenticationError");
console.log("js-sdk works");

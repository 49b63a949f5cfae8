// Generating keys, and how long an old secret lives on.

import { formDialog, showKeys } from "./dialogs.js";
import { element, field } from "./elements.js";
import { ask, userPath } from "./gate.js";

const GRACES = [["stops now", 0], ["works 1 more hour", 3600], ["works 1 more day", 86400], ["works 7 more days", 604800], ["works 30 more days", 2592000]];

const generate = (user, grace_seconds) => ask("POST", userPath(user.user, "/generate"), { grace_seconds });

/** Tells whether it did. */
export async function generateKeys(user) {
  const keys = user.secrets ? await rotate(user) : await generate(user, 0);
  if (keys) await showKeys(keys);
  return Boolean(keys);
}

function rotate(user) {
  const grace = element("select", { name: "grace" }, GRACES.map(([text, value]) => element("option", { value }, text)));
  return formDialog({
    title: `Rotate the secret of ${user.user}`,
    content: [
      element("p", null, "A new API secret is made. The API key stays."),
      field("The old secret", grace, "For clients that have to learn the new one first."),
    ],
    action: "Generate Keys",
    submit: () => generate(user, Number(grace.value)),
  });
}

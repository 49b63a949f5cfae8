// Generating keys: at once for a user who has none, else with a choice of how long the old secret lives on.

import { formDialog, showKeys } from "./dialogs.js";
import { element, field } from "./elements.js";
import { ask, userPath } from "./gate.js";

const HOUR = 3600;
const GRACES = [["Stops working now", 0], ["1 hour", HOUR], ["1 day", 24 * HOUR], ["7 days", 168 * HOUR], ["30 days", 720 * HOUR]];

const generate = (user, grace_seconds) => ask("POST", userPath(user.user, "/generate"), { grace_seconds });

/** Generates keys and shows them; tells whether it did. */
export async function generateKeys(user) {
  const keys = user.secrets ? await rotate(user) : await generate(user, 0);
  if (keys) await showKeys(keys);
  return Boolean(keys);
}

function rotate(user) {
  const hours = element("input", { type: "number", name: "hours", min: 0, max: 720, step: "any", value: 2, required: true });
  const own = field("Hours", hours);
  own.hidden = hours.disabled = true;
  const grace = element("select", {
    name: "grace",
    onchange: () => (own.hidden = hours.disabled = grace.value !== "own"),
  }, GRACES.map(([text, value]) => element("option", { value }, text)), element("option", { value: "own" }, "As long as I say"));
  return formDialog({
    title: `Rotate the secret of ${user.user}`,
    content: [
      element("p", null, "A new API secret is made; the API key stays the same."),
      field("The old secret …", grace, "A grace lets you put the new secret in place while the old one goes on working."),
      own,
    ],
    action: "Generate Keys",
    submit: () => generate(user, grace.value === "own" ? Math.round(hours.value * HOUR) : Number(grace.value)),
  });
}

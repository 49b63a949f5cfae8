// The view of all users.

import { formDialog } from "./dialogs.js";
import { act, badge, button, element, empty, field, heading, notice, row, table, time } from "./elements.js";
import { ask, userPath } from "./gate.js";
import { generateKeys } from "./keys.js";
import { list } from "./listing.js";

const STATUSES = ["active", "disabled", "expired", "revoked", "keyless"];
export const ROLES_HINT = "Separated by commas. System Manager lets a user in here; your server gets all of them.";
const COLUMNS = ["User", "Status", "Roles", "API key", "Created", "Last rotated", "Last used", "Expires"];

export function status(user) {
  return [badge(user.status), ...(user.published ? [] : [" ", badge("spreading")])];
}

/** `kept` is what was searched for last. */
export function usersView(view, kept) {
  const place = element("section", { "aria-label": "Users", id: "users" });
  const search = element("input", { type: "search", name: "q", placeholder: "Name or API key", "aria-label": "Search users", value: kept.q });
  const filter = element("select", { name: "status", "aria-label": "Status" },
    element("option", { value: "" }, "Any status"), STATUSES.map((word) => element("option", null, word)));
  filter.value = kept.status;
  const show = () => {
    Object.assign(kept, { q: search.value.trim(), status: filter.value });
    list(place, {
      path: `users?${new URLSearchParams(kept)}`, name: "users", row: userRow,
      table: (rows) => table("Users", COLUMNS, rows),
      none: () => none(kept.q || kept.status),
    });
  };
  let typing;
  search.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(show, 200);
  };
  filter.onchange = show;
  view.replaceChildren(
    element("div.toolbar", null, heading("Users"), search, filter, button("Add user", addUser, { id: "add-user", className: "primary" })),
    place);
  show();
}

function userRow(user) {
  const name = element("a.name", { href: `#/${userPath(user.user)}` }, user.user);
  const key = user.api_key ? element("code", null, user.api_key) : element("span.muted", null, "none yet");
  return row(COLUMNS, [
    name, status(user), user.roles.join(", ") || element("span.muted", null, "none"), key,
    time(user.created_at), time(user.rotated_at), time(user.last_used_at), time(user.not_after),
  ]);
}

function none(isFiltered) {
  if (isFiltered) return empty("Nobody matches", "The search finds the start of a name or of an API key.");
  return empty("No users yet", "A user is whoever calls your API: a person, a script, an app.",
    button("Add a user and generate keys", addUser, { id: "add-first", className: "primary" }));
}

const addUser = act(async () => {
  const name = element("input", { name: "user", required: true, maxLength: 140, autocomplete: "off", autocapitalize: "none", spellcheck: false });
  const roles = element("input", { name: "roles", autocomplete: "off" });
  const keys = element("input", { type: "checkbox", name: "keys", checked: true });
  const added = await formDialog({
    title: "Add a user",
    content: [
      field("User", name, "A name or an e-mail address, as your server knows it."),
      field("Roles (optional)", roles, ROLES_HINT),
      element("label.check", null, keys, "Generate keys now"),
    ],
    action: "Add user",
    submit: async () => {
      const path = userPath(name.value.trim());
      const known = await ask("GET", path).catch((error) => error);
      if (known.user) throw new Error("There is a user of this name already.");
      if (known.status !== 404) throw known;
      return ask("PUT", path, { roles: listed(roles.value) });
    },
  });
  if (!added) return;
  notice(`${added.user} added.`);
  if (keys.checked) await generateKeys(added).catch((error) => notice(error.message));
  location.hash = `#/${userPath(added.user)}`;
});

export function listed(text, separator = ",") {
  return text.split(separator).map((part) => part.trim()).filter(Boolean);
}

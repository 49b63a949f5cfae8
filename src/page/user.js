// One user: keys, settings, end and history.

import { auditList } from "./audit.js";
import { formDialog } from "./dialogs.js";
import { act, button, copyButton, element, field, form, heading, notice, time } from "./elements.js";
import { ask, userPath } from "./gate.js";
import { generateKeys } from "./keys.js";
import { load } from "./listing.js";
import { ROLES_HINT, listed, status } from "./users.js";

export function userView(view, name, me) {
  const title = heading(name);
  const badges = element("span");
  const place = element("div.stack");
  // What had the focus is made anew.
  const show = (focused) => load(place, () => ask("GET", userPath(name)), (user) => {
    title.textContent = user.user;
    badges.replaceChildren(...status(user));
    place.replaceChildren(...parts(user, me, show));
    if (focused) (document.getElementById(focused) ?? title).focus();
  });
  view.replaceChildren(element("a.back", { href: "#/users" }, "← Users"), element("div.title", null, title, badges), place);
  show();
}

function parts(user, me, show) {
  const history = element("section.card", { "aria-label": "Audit log" });
  const log = element("div");
  history.append(element("h2", null, "Audit log"), log);
  auditList(log, user.user);
  return [
    !user.published && spreading(show),
    access(user, show),
    settings(user, show),
    ending(user, me, show),
    history,
  ].filter(Boolean);
}

function spreading(show) {
  return element("p.warning", null,
    "Spreading: the change is made, but KV does not say so yet. For about a minute, what was before may still hold. ",
    button("Check again", () => show("check"), { id: "check" }));
}

function access(user, show) {
  const key = element("code", null, user.api_key);
  const facts = [
    ["API key", user.api_key ? [key, copyButton("API key", key)] : element("span.muted", null, "none yet")],
    ["API secret", ["none", "one works; it can't be shown again", "two work, the older one for a while"][user.secrets]],
    ["Created", time(user.created_at)],
    ["Last rotated", time(user.rotated_at)],
    ["Last used", time(user.last_used_at)],
  ];
  const generate = button(user.secrets ? "Generate Keys again (rotate) …" : "Generate Keys", act(async () => {
    if (await generateKeys(user)) await show("generate");
  }), { id: "generate", className: "primary" });
  const enabled = button(user.enabled ? "Disable" : "Enable", act(async () => {
    await ask("PUT", userPath(user.user), { enabled: !user.enabled });
    notice(`${user.user} is ${user.enabled ? "disabled" : "enabled"}.`);
    await show("enabled");
  }), { id: "enabled" });
  return element("section.card", { "aria-labelledby": "access" },
    element("h2", { id: "access" }, "API Access"),
    element("dl", null, facts.map(([name, value]) => element("div", null, element("dt", null, name), element("dd", null, value)))),
    element("div.actions.start", null, generate, enabled));
}

/** As `datetime-local` has it: local, without a zone. */
function local(at) {
  if (!at) return "";
  const date = new Date(at);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function settings(user, show) {
  const roles = element("input", { name: "roles", value: user.roles.join(", "), autocomplete: "off" });
  const expires = element("input", { name: "not_after", type: "datetime-local", value: local(user.not_after) });
  const addresses = element("textarea", { name: "allowed_ips", rows: 3, spellcheck: false, value: user.allowed_ips.join("\n") });
  const rules = element("textarea", { name: "rules", rows: 3, spellcheck: false, value: user.rules.join("\n") });
  const strict = element("input", { name: "strict", type: "checkbox", checked: user.strict });
  const read = () => ({
    roles: listed(roles.value),
    not_after: expires.value ? new Date(expires.value).toISOString().replace(/\.\d+/, "") : null,
    allowed_ips: listed(addresses.value, /[\n,]/),
    rules: listed(rules.value, "\n"),
    strict: strict.checked,
  });
  const before = read();
  const save = async () => {
    // Somebody else may have changed the rest meanwhile.
    const changed = Object.entries(read()).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
    if (!changed.length) return notice("Nothing was changed.");
    await ask("PUT", userPath(user.user), Object.fromEntries(changed));
    notice("Saved.");
    await show("save");
  };
  const go = element("button", { id: "save" }, "Save settings");
  const made = form("form.columns", go, save,
    field("Roles", roles, ROLES_HINT),
    field("Expires", expires, "In your time zone. Empty: never."),
    field("Allowed addresses", addresses, "One a line, or ranges such as 192.0.2.0/24. Empty: from anywhere."),
    field("Access rules", rules, "One a line: a method or *, then a path, as in GET /reports/*. Empty: everything."),
    element("label.check", null, strict, element("span", null, "Strict ",
      element("small", null, "Changes bite at once, and each request is slower."))),
    element("div.actions.start", null, go));
  return element("section.card", { "aria-labelledby": "settings" }, element("h2", { id: "settings" }, "Settings"), made);
}

function ending(user, me, show) {
  const confirm = (title, text, action, submit) => formDialog({
    title, action, danger: true, submit,
    content: [element("p", null, text), user.user === me && element("p.warning", null, "These are the credentials that you are signed in with.")],
  });
  const revoke = act(async () => {
    const done = await confirm(`Revoke the keys of ${user.user}?`,
      `No secret of ${user.user} will work any more. This can't be undone, but new keys can be generated.`,
      `Revoke ${user.user}`, () => ask("POST", userPath(user.user, "/revoke")));
    if (!done) return;
    notice(`The keys of ${user.user} are revoked.`);
    await show("revoke");
  });
  const remove = act(async () => {
    const done = await confirm(`Delete ${user.user}?`,
      `Revokes the keys of ${user.user}, clears all settings, and takes the user off the list. The audit log stays.`,
      `Delete ${user.user}`, () => ask("DELETE", userPath(user.user)));
    if (!done) return;
    location.hash = "#/users";
    notice(`${user.user} is deleted.`);
  });
  return element("section.card", { "aria-labelledby": "ending" },
    element("h2", { id: "ending" }, "Revoke or delete"),
    element("p.hint", null, "To stop a user for a while, disable it instead."),
    element("div.actions.start", null,
      user.secrets > 0 && button("Revoke …", revoke, { id: "revoke", className: "danger" }),
      button("Delete user …", remove, { id: "delete", className: "danger" })));
}

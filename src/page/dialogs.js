// Dialogs: made when they open, and gone with all they held when they close.

import { button, copyButton, element, form } from "./elements.js";

function open(title, ...content) {
  const dialog = element("dialog", { "aria-label": title }, element("h2", null, title), content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/** Gives back what `submit` brings, or nothing if cancelled. */
export function formDialog({ title, content, action, danger, submit }) {
  return new Promise((resolve) => {
    let pending;
    const cancel = button("Cancel", () => dialog.close(), { autofocus: Boolean(danger) });
    const go = element("button", { className: danger ? "danger" : "primary" }, action);
    const dialog = open(title, form("form", go, async () => {
      pending = submit();
      await pending.catch((error) => {
        pending = null;
        throw error;
      });
      dialog.close();
    }, content, element("div.actions", null, cancel, go)));
    // Closed while the gate is at work: what comes of it must not get lost.
    dialog.addEventListener("close", () => resolve(pending));
  });
}

/** For a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function showKeys({ user, api_key, api_secret, published }) {
  const line = `curl -H ${quoted(`Authorization: token ${api_key}:${api_secret}`)} ${location.origin}/api/method/frappe.auth.get_logged_user`;
  const copyable = (what, text) => {
    const shown = element("code", null, text);
    return element("div.copyable", null, element("span", null, what), shown, copyButton(what, shown));
  };
  return new Promise((resolve) => {
    const dialog = open(`Keys for ${user}`,
      element("p.warning", null, "Copy the API secret now: it is shown this once, and nobody can show it again."),
      copyable("API key", api_key),
      copyable("API secret", api_secret),
      copyable("Try it: a curl line", line),
      !published && element("p.hint", null, "Still spreading: it works as soon as KV has it."),
      element("div.actions", null, element("p", { role: "status" }), button("Done", () => dialog.close(), { className: "primary" })));
    dialog.addEventListener("close", resolve);
  });
}

// Dialogs: made when they open and gone when they close, with everything that stood in them.

import { copyButton, element, button } from "./elements.js";

let count = 0;
function open(title, ...content) {
  const id = `dialog-${(count += 1)}`;
  const dialog = element("dialog", { "aria-labelledby": id }, element("h2", { id }, title), content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/** Asks for something, does it, and stays open with the reason if that fails. Gives back what came of it, if anything. */
export function formDialog({ title, content, action, danger, submit }) {
  return new Promise((resolve) => {
    let result;
    const failed = element("p.alert", { role: "alert", hidden: true });
    const go = element("button", { className: danger ? "danger" : "primary" }, action);
    const cancel = button("Cancel", () => dialog.close(), { autofocus: Boolean(danger) });
    const form = element("form", null, content, failed, element("div.actions", null, cancel, go));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.ariaBusy) return;
      form.ariaBusy = "true";
      failed.hidden = true;
      try {
        result = await submit(form.elements);
        dialog.close();
      } catch (error) {
        failed.textContent = error.message;
        failed.hidden = false;
      }
      form.ariaBusy = null;
    });
    const dialog = open(title, form);
    dialog.addEventListener("close", () => resolve(result));
  });
}

/** Quotes a text for a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Shows freshly made keys, this once. Ends when the dialog is closed. */
export function showKeys({ user, api_key, api_secret, published }) {
  const line = `curl -H ${quoted(`Authorization: token ${api_key}:${api_secret}`)} ${location.origin}/api/method/frappe.auth.get_logged_user`;
  const copyable = (what, text, id) => {
    const shown = element("code", { id }, text);
    return element("div.copyable", null, element("span", null, what), shown, copyButton(what, shown));
  };
  return new Promise((resolve) => {
    const dialog = open(`Keys for ${user}`,
      element("p.warning", null, "Copy the API secret now. It is shown this once: nobody, not even the gate, can show it again."),
      copyable("API key", api_key, "shown-key"),
      copyable("API secret", api_secret, "shown-secret"),
      copyable("Try it: a curl line", line, "shown-curl"),
      !published && element("p.hint", null, "Still spreading: it works as soon as KV has it, normally within a minute."),
      element("div.actions", null, element("p", { role: "status" }), button("Done", () => dialog.close(), { className: "primary" })));
    dialog.addEventListener("close", () => resolve());
  });
}

// The page's frame: signing in and out, and which view is shown.

import { auditView } from "./audit.js";
import { closeDialogs } from "./dialogs.js";
import { forget, signIn, whenEnded } from "./gate.js";
import { importView } from "./import.js";
import { userView } from "./user.js";
import { usersView } from "./users.js";

const byId = (id) => document.getElementById(id);
const [bar, view, signInView, reason] = ["bar", "view", "sign-in", "reason"].map(byId);
const form = signInView.querySelector("form");
const { api_key: apiKey, api_secret: apiSecret } = form.elements;

let me = null;
let kept;

/** Addresses are `#/users`, `#/users/<user>`, `#/audit`, `#/import`. */
function route() {
  if (!me) return;
  closeDialogs();
  const [, name, parameter] = location.hash.split("/");
  for (const link of bar.querySelectorAll("nav a")) {
    link.ariaCurrent = link.hash === `#/${name || "users"}` ? "page" : null;
  }
  if (name === "audit") auditView(view);
  else if (name === "import") importView(view);
  else if (parameter) userView(view, decodeURIComponent(parameter), me);
  else usersView(view, kept);
  scrollTo(0, 0);
  // Read out, and where Tab goes on from.
  view.querySelector("h1").focus({ preventScroll: true });
}

function leave(why = "") {
  forget();
  me = null;
  kept = { q: "", status: "" };
  closeDialogs();
  view.replaceChildren();
  byId("who").textContent = byId("notice").textContent = "";
  bar.hidden = view.hidden = true;
  signInView.hidden = false;
  document.title = "Sign in · Gatehouse";
  say(why);
  (apiKey.value ? apiSecret : apiKey).focus();
}

function say(why) {
  reason.textContent = why;
  reason.hidden = !why;
}

const REASONS = {
  401: "The gate does not know this API key with this secret.",
  403: "These credentials are good, but this page is for System Managers. Ask one for that role.",
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  say("");
  try {
    me = await signIn(apiKey.value.trim(), apiSecret.value.trim());
    apiSecret.value = "";
    byId("who").textContent = me;
    signInView.hidden = true;
    bar.hidden = view.hidden = false;
    route();
  } catch (error) {
    const wrong = REASONS[error.status];
    if (wrong) apiSecret.value = "";
    say(wrong ?? error.message);
    apiSecret.focus();
  }
  form.ariaBusy = null;
});

byId("sign-out").addEventListener("click", () => leave());
addEventListener("hashchange", route);
// Browsers keep pages for going back.
addEventListener("pagehide", () => leave());
whenEnded(leave);
leave();

// Importing users with the credentials they have: a file, a preview, then the import.

import { badge, button, element, field, heading, notice, row, table } from "./elements.js";
import { ask } from "./gate.js";
import { usersIn } from "./csv.js";

const ROWS_A_BATCH = 1000;
const ROWS_SHOWN = 200;
const COLUMNS = ["Row", "User", "Result", "Reason"];

export function importView(view) {
  const result = element("div", { id: "import-result" });
  const file = element("input", { type: "file", name: "file", accept: ".csv,.json,text/csv,application/json" });
  file.onchange = async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const text = await chosen.text();
    // It may hold secrets.
    file.value = "";
    await attempt(result, "Checking …", async () => preview(result, chosen.name, usersIn(text)));
  };
  view.replaceChildren(
    element("div.toolbar", null, heading("Import")),
    element("section.card", null,
      element("p", null, "Bring users along with the API keys and secrets they have, in Frappe for example. You see what would happen before anything does."),
      field("File", file, "JSON or CSV, read in this browser."),
      element("pre", { tabIndex: 0, "aria-label": "Example" },
        'user,api_key,api_secret,roles\nalice@example.com,1f0c3a9e2b7d4c5,9d8e7f6a5b4c3d2,"Sales User, Employee"')),
    result);
}

async function attempt(place, saying, action) {
  place.replaceChildren(element("p.empty", { role: "status" }, saying));
  try {
    await action();
  } catch (error) {
    place.replaceChildren(element("p.alert", { role: "alert" }, error.message));
  }
}

function batches(rows) {
  const starts = rows.keys().filter((at) => at % ROWS_A_BATCH === 0);
  return [...starts.map((at) => rows.slice(at, at + ROWS_A_BATCH))];
}

function send(rows, dry_run) {
  return ask("POST", "import", { users: rows.map(({ user }) => user), dry_run });
}

/** Writes into each row what would become of it. The gate judges the rest only once invalid rows are left out. */
async function judge(rows) {
  const answer = await send(rows, true).catch((error) => {
    if (!error.rows) throw error;
    return error;
  });
  rows.forEach((one, at) => {
    ({ result: one.result, message: one.message } = answer.rows[at]);
  });
  const right = rows.filter(({ result }) => result !== "invalid");
  if (right.length && right.length < rows.length) await judge(right);
}

async function preview(place, name, users) {
  if (!users.length) throw new Error("There are no users in this file.");
  const rows = users.map((user, at) => ({ number: at + 1, user }));
  for (const batch of batches(rows)) await judge(batch);
  const isWrong = ({ result }) => result === "invalid" || result === "conflict";
  const wrong = rows.filter(isWrong);
  const wanted = rows.filter(({ result }) => result === "created" || result === "updated");
  const go = button(`Import ${wanted.length} of ${rows.length} rows`, () => attempt(place, "Importing …", () => carryOut(place, wanted)), { className: "primary" });
  place.replaceChildren(element("section.card", null,
    element("h2", { tabIndex: -1 }, `What would happen with ${name}`),
    element("p", { role: "status" }, summary(rows)),
    wrong.length > 0 && element("p.warning", null, `${wrong.length} cannot be imported and will be left out.`),
    wanted.length > 0 ? element("div.actions.start", null, go, button("Cancel", () => place.replaceChildren())) : element("p", null, "There is nothing to import."),
    shown([...wrong, ...rows.filter((one) => !isWrong(one))])));
  place.querySelector("h2").focus();
}

async function carryOut(place, rows) {
  let done = 0;
  for (const batch of batches(rows)) {
    try {
      await send(batch, false);
    } catch (error) {
      throw new Error(`${done} of ${rows.length} rows were imported, then: ${error.message} Choose the file again; repeating does no harm.`);
    }
    done += batch.length;
  }
  const users = element("a", { href: "#/users" }, "See the users");
  place.replaceChildren(element("p.empty", { role: "status" }, `${done} ${done === 1 ? "user" : "users"} imported. They work within about a minute. `, users));
  notice(`${done} imported.`);
  users.focus();
}

function summary(rows) {
  const count = (word) => rows.filter(({ result }) => result === word).length;
  return ["created", "updated", "unchanged", "conflict", "invalid"].filter(count).map((word) => `${count(word)} ${word}`).join(" · ");
}

function shown(rows) {
  const cells = ({ number, user, result, message }) => [number, user.user ?? "–", badge(result), message || "–"];
  const more = rows.length - ROWS_SHOWN;
  return [
    element("div.scroll", null, table("Preview", COLUMNS, rows.slice(0, ROWS_SHOWN).map((one) => row(COLUMNS, cells(one))))),
    more > 0 && element("p.hint", null, `… and ${more} more.`),
  ];
}

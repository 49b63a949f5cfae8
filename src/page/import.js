// Importing users from a file, after a preview.

import { badge, button, element, field, heading, notice, row, table } from "./elements.js";
import { ask } from "./gate.js";
import { usersIn } from "./csv.js";
import { load } from "./listing.js";

const ROWS_A_BATCH = 1000;
const ROWS_SHOWN = 200;
const COLUMNS = ["Row", "User", "Result", "Reason"];

export function importView(view) {
  const result = element("div");
  const file = element("input", { type: "file", name: "file", accept: ".csv,.json" });
  file.onchange = () => {
    const [chosen] = file.files;
    if (chosen) load(result, () => judged(chosen), (rows) => preview(result, rows));
    // It may hold secrets.
    file.value = "";
  };
  view.replaceChildren(
    element("div.toolbar", null, heading("Import")),
    element("section.card", null,
      element("p", null, "Bring users along with the API keys and secrets they have, in Frappe for example. First you see what would happen."),
      field("File", file, "JSON or CSV, read in this browser."),
      element("pre", { tabIndex: 0, "aria-label": "Example" },
        'user,api_key,api_secret,roles\nalice,012345678901234,567890123456789,"Sales User, Employee"')),
    result);
}

async function inBatches(rows, action) {
  for (let at = 0; at < rows.length; at += ROWS_A_BATCH) {
    notice(`${at} of ${rows.length} rows …`);
    await action(rows.slice(at, at + ROWS_A_BATCH));
  }
  notice("");
}

function send(rows, dry_run) {
  return ask("POST", "import", { users: rows.map(({ user }) => user), dry_run });
}

/** The gate judges rows only once invalid ones are left out. */
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

async function judged(file) {
  const rows = usersIn(await file.text()).map((user, at) => ({ number: at + 1, user }));
  await inBatches(rows, judge);
  return rows;
}

function preview(place, rows) {
  const isWrong = ({ result }) => result === "invalid" || result === "conflict";
  const wrong = rows.filter(isWrong);
  const wanted = rows.filter(({ result }) => result === "created" || result === "updated");
  const heading = element("h2", { tabIndex: -1 }, "What would happen");
  // Harmless to repeat.
  const go = button(`Import ${wanted.length} of ${rows.length} rows`,
    () => load(place, () => inBatches(wanted, (batch) => send(batch, false)), () => imported(place, wanted)),
    { className: "primary", hidden: !wanted.length });
  place.replaceChildren(element("section.card", null, heading,
    element("p", { role: "status" }, summary(rows)),
    wrong.length > 0 && element("p.warning", null, `${wrong.length} cannot be imported and will be left out.`),
    element("div.actions.start", null, go, button("Cancel", () => place.replaceChildren())),
    tableOf([...wrong, ...rows.filter((one) => !isWrong(one))])));
  heading.focus();
}

function imported(place, { length }) {
  const users = element("a", { href: "#/users" }, "See the users");
  place.replaceChildren(element("p.empty", { role: "status" }, `${length} imported. They work within about a minute. `, users));
  users.focus();
}

function summary(rows) {
  const count = (word) => rows.filter(({ result }) => result === word).length;
  return ["created", "updated", "unchanged", "conflict", "invalid"].filter(count).map((word) => `${count(word)} ${word}`).join(" · ") || "Nobody is in this file.";
}

function tableOf(rows) {
  const cells = ({ number, user, result, message }) => [number, user?.user ?? "–", badge(result), message || "–"];
  const more = rows.length - ROWS_SHOWN;
  return [
    element("div.scroll", null, table("Preview", COLUMNS, rows.slice(0, ROWS_SHOWN).map((one) => row(COLUMNS, cells(one))))),
    more > 0 && element("p.hint", null, `… and ${more} more.`),
  ];
}

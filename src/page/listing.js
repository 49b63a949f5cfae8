// What comes from the gate, in its states: loading, failed, empty, there, and with more to come.

import { act, button, element, notice } from "./elements.js";
import { ask } from "./gate.js";

const turns = new WeakMap();

/** Only what was asked for last is shown in a place. */
export async function load(place, fetchIt, show) {
  const turn = {};
  turns.set(place, turn);
  place.setAttribute("aria-busy", "true");
  if (!place.hasChildNodes()) place.append(element("p.empty", { role: "status" }, "Loading …"));
  let shown;
  try {
    const answer = await fetchIt();
    shown = () => show(answer);
  } catch (error) {
    shown = () => place.replaceChildren(failure(error, () => load(place, fetchIt, show)));
  }
  if (turns.get(place) !== turn) return;
  place.removeAttribute("aria-busy");
  shown();
}

function failure(error, retry) {
  return element("div.empty", { role: "alert" },
    element("h2", null, "That did not work"),
    element("p", null, error.message),
    button("Try again", retry, { className: "primary" }));
}

/** Page by page. `path` ends in a query; `name` is the list's in the answer. */
export function list(place, { path, name, empty, table, row }) {
  return load(place, () => ask("GET", path), (page) => {
    if (!page[name].length) return place.replaceChildren(empty());
    const shown = table(page[name].map(row));
    let cursor = page.next_cursor;
    const more = button("Load more", act(async () => {
      const next = await ask("GET", `${path}&cursor=${encodeURIComponent(cursor)}`);
      const rows = next[name].map(row);
      shown.tBodies[0].append(...rows);
      cursor = next.next_cursor;
      more.hidden = !cursor;
      rows[0]?.querySelector("a")?.focus();
      notice(`${rows.length} more.`);
    }), { hidden: !cursor });
    place.replaceChildren(element("div.scroll", null, shown), element("div.actions.start", null, more));
  });
}

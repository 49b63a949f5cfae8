// What the gate tells: loading, failed, empty, there, and more to come.

import { act, button, element, empty, notice } from "./elements.js";
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
    const retry = button("Try again", () => load(place, fetchIt, show), { className: "primary" });
    shown = () => place.replaceChildren(element("div", { role: "alert" }, empty("That did not work", error.message, retry)));
  }
  if (turns.get(place) !== turn) return;
  place.removeAttribute("aria-busy");
  shown();
}

/** Page by page. `path` ends in a query; `name` is the list's in the answer. */
export function list(place, { path, name, none, table, row }) {
  return load(place, () => ask("GET", path), (page) => {
    if (!page[name].length) return place.replaceChildren(none());
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

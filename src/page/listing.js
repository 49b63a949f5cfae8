// What comes from the gate, in its states: loading, failed, empty, there, and with more to come.

import { button, element, notice } from "./elements.js";
import { ask } from "./gate.js";

const turns = new WeakMap();

/** Shows what `fetchIt` brings, and until then that it is loading. Only what was asked for last is shown in a place. */
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

/** Shows a list page by page. `path` ends in its query; `name` is the list's in the answer. */
export function list(place, { path, name, empty, table, row }) {
  return load(place, () => ask("GET", path), (page) => {
    if (!page[name].length) return place.replaceChildren(empty());
    const shown = table(page[name].map(row));
    let cursor = page.next_cursor;
    const failed = element("p.alert", { role: "alert", hidden: true });
    const more = button("Load more", async () => {
      failed.hidden = true;
      more.ariaBusy = "true";
      try {
        const next = await ask("GET", `${path}&cursor=${encodeURIComponent(cursor)}`);
        const rows = next[name].map(row);
        shown.tBodies[0].append(...rows);
        cursor = next.next_cursor;
        more.hidden = !cursor;
        rows[0]?.querySelector("a")?.focus();
        notice(`${next[name].length} more.`);
      } catch (error) {
        failed.textContent = error.message;
        failed.hidden = false;
      }
      more.ariaBusy = null;
    }, { hidden: !cursor });
    place.replaceChildren(element("div.scroll", null, shown), failed, more);
  });
}

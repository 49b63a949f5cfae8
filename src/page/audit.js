// The audit log, of everyone or of one user.

import { element, heading, row, table, time } from "./elements.js";
import { userPath } from "./gate.js";
import { list } from "./listing.js";

const SAID_ALREADY = ["user", "created_at", "rotated_at"];
const COLUMNS = ["When", "Who", "From", "What", "User", "Details"];

export function auditView(view) {
  const place = element("section", { "aria-label": "Audit log" });
  view.replaceChildren(element("div.toolbar", null, heading("Audit log")), place);
  auditList(place, "");
}

export function auditList(place, user) {
  return list(place, {
    path: `audit?${new URLSearchParams({ user })}`, name: "entries", row: entryRow,
    table: (rows) => table("Audit log", COLUMNS, rows),
    none: () => element("p.empty", null, "Nothing has happened yet."),
  });
}

function entryRow({ at, actor, address, action, user, detail }) {
  const link = user && element("a", { href: `#/${userPath(user)}` }, user);
  return row(COLUMNS, [time(at), actor ?? "a stranger", address ?? "–", element("b", null, action), link ?? "–", details(detail)]);
}

function details(detail) {
  const lines = Object.entries(detail).map(([name, value]) => {
    if (SAID_ALREADY.includes(name)) return null;
    const { from, to } = value ?? {};
    if (to === undefined) return `${name}: ${said(value)}`;
    // Of a new user, only what differs from other new ones.
    if (from === null) return [null, false, true, 0].includes(to) || to.length === 0 ? null : `${name}: ${said(to)}`;
    return `${name}: ${said(from)} → ${said(to)}`;
  });
  return lines.filter(Boolean).map((line) => element("div", null, line));
}

function said(value) {
  return [value ?? []].flat().join(", ") || "none";
}

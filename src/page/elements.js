// Pieces that every view is made of. Data becomes text here, never markup.

/** Makes an element: `element("p.hint", { id: "x" }, "text", child)`. Children that are null or false are left out. */
export function element(tag, properties, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

export function button(text, onclick, properties) {
  return element("button", { type: "button", onclick, ...properties }, text);
}

/** A field with its label, and a hint that is read with it. */
export function field(label, input, hint) {
  if (hint) {
    input.setAttribute("aria-describedby", `${input.name}-hint`);
    hint = element("small", { id: `${input.name}-hint` }, hint);
  }
  return element("div.field", null, element("label", null, label, input), hint);
}

/** A view's heading, which takes the focus when the view is opened. */
export function heading(text) {
  document.title = `${text} · Gatehouse`;
  return element("h1", { tabIndex: -1 }, text);
}

const UNITS = [["year", 31536e3], ["month", 2592e3], ["day", 86400], ["hour", 3600], ["minute", 60]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export function exactly(at) {
  return ABSOLUTE.format(new Date(at));
}

/** A time as people say it, its exact value on hover; or what stands for none. */
export function time(at, none = "never") {
  if (!at) return element("span.muted", null, none);
  const seconds = (new Date(at) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  const text = unit ? RELATIVE.format(Math.trunc(seconds / size), unit) : seconds > 0 ? "in a moment" : "just now";
  return element("time", { dateTime: at, title: exactly(at) }, text);
}

export function badge(word) {
  return element("span.badge", { "data-status": word }, word);
}

/** A row of a table whose cells carry their column's name, for narrow screens. */
export function row(columns, cells) {
  const cell = (content, index) => element("td", { role: "cell", "data-label": columns[index] }, content);
  return element("tr", { role: "row" }, cells.map(cell));
}

export function table(caption, columns, rows) {
  const head = columns.map((name) => element("th", { scope: "col", role: "columnheader" }, name));
  return element("table", { role: "table", "aria-label": caption },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
    element("tbody", { role: "rowgroup" }, rows));
}

let fading;
/** Says something in passing; also to those who listen. */
export function notice(text) {
  const place = document.querySelector("dialog [role=status]") ?? document.getElementById("notice");
  clearTimeout(fading);
  place.textContent = text;
  fading = setTimeout(() => (place.textContent = ""), 8000);
}

/** A button that copies a text, or selects it where the browser does not let pages copy. */
export function copyButton(what, shown) {
  return button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(shown.textContent);
      notice(`${what} copied.`);
    } catch {
      getSelection().selectAllChildren(shown);
      notice(`${what} selected: copy it with Ctrl+C or ⌘C.`);
    }
  }, { "aria-label": `Copy ${what}`, className: "copy" });
}

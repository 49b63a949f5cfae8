// What views are made of. Data becomes text here, never markup.

/** As in `element("p.hint", { id }, "text")`; leaves out null and false. */
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

export function field(label, input, hint) {
  if (hint) {
    input.setAttribute("aria-describedby", `${input.name}-hint`);
    hint = element("small", { id: `${input.name}-hint` }, hint);
  }
  return element("div.field", null, element("label", null, label, input), hint);
}

export function empty(title, text, ...more) {
  return element("div.empty", null, element("h2", null, title), element("p", null, text), more);
}

/** Takes the focus when its view is opened. */
export function heading(text) {
  document.title = `${text} · Gatehouse`;
  return element("h1", { tabIndex: -1 }, text);
}

/** Never twice at a time; a failure is said beside the button. */
export function act(action) {
  return async ({ currentTarget: pressed }) => {
    if (pressed.ariaBusy) return;
    pressed.ariaBusy = "true";
    const place = pressed.parentElement;
    place.querySelector(".alert")?.remove();
    try {
      await action();
    } catch (error) {
      notice("");
      place.append(element("p.alert", { role: "alert" }, error.message));
    }
    pressed.ariaBusy = null;
  };
}

/** A form that `go` sends. */
export function form(tag, go, submit, ...content) {
  const made = element(tag, null, content.flat());
  made.onsubmit = (event) => {
    event.preventDefault();
    act(submit)({ currentTarget: go });
  };
  return made;
}

const UNITS = [["year", 31536e3], ["month", 2592e3], ["day", 86400], ["hour", 3600], ["minute", 60]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export function time(at) {
  if (!at) return element("span.muted", null, "never");
  const seconds = (new Date(at) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  const text = unit ? RELATIVE.format(Math.trunc(seconds / size), unit) : seconds > 0 ? "in a moment" : "just now";
  return element("time", { dateTime: at, title: ABSOLUTE.format(new Date(at)) }, text);
}

const TONES = {
  active: "good", created: "good", updated: "good",
  disabled: "warning", expired: "warning", spreading: "warning",
  revoked: "alert", conflict: "alert", invalid: "alert",
};

export function badge(word) {
  return element(`span.badge.${TONES[word] ?? "plain"}`, null, word);
}

/** Narrow screens need the columns' names, and undo the roles. */
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
export function notice(text) {
  const place = document.querySelector("dialog [role=status]") ?? document.getElementById("notice");
  clearTimeout(fading);
  place.textContent = text;
  fading = setTimeout(() => (place.textContent = ""), 8000);
}

/** Selects the text where the browser does not let pages copy. */
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

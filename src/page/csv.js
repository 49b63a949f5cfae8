// Files of users: JSON as the gate takes it, or CSV (RFC 4180).

function records(text) {
  const separator = /^[^,\r\n]*;/.test(text) ? ";" : ",";
  const found = [];
  let record = [], value = "", quoted = false;
  const endField = () => { record.push(value); value = ""; };
  const endRecord = () => { endField(); if (record.some(Boolean)) found.push(record); record = []; };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character !== '"') value += character;
      else if (text[at + 1] === '"') { value += '"'; at += 1; }
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === separator) endField();
    else if (character === "\n") endRecord();
    else if (character !== "\r") value += character;
  }
  endRecord();
  return found;
}

const parts = (separator) => (text) => text.split(separator).map((part) => part.trim()).filter(Boolean);
const FIELDS = {
  __proto__: null,
  roles: parts(","),
  allowed_ips: parts(/[,\s]/),
  // No rule holds a semicolon.
  rules: parts(/[;\n]/),
  enabled: flag,
  strict: flag,
};

/** Anything else is for the gate to refuse. */
function flag(text) {
  if (/^(true|yes|1)$/i.test(text)) return true;
  return /^(false|no|0)$/i.test(text) ? false : text;
}

export function usersIn(text) {
  if (/^\s*[{[]/.test(text)) {
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Error("This looks like JSON, but is not.");
    }
    const users = Array.isArray(json) ? json : json.users;
    if (!Array.isArray(users)) throw new Error('JSON has to be {"users": [ … ]}.');
    return users;
  }
  const [header = [], ...lines] = records(text);
  const names = header.map((name) => name.trim().toLowerCase().replaceAll(" ", "_"));
  if (!names.includes("user")) throw new Error("The first line has to name the columns, user among them.");
  const pairs = (line) => names.map((name, at) => [name, (line[at] ?? "").trim()]).filter(([, value]) => value);
  return lines.map((line) => Object.fromEntries(pairs(line).map(([name, value]) => [name, FIELDS[name]?.(value) ?? value])));
}

// `npm start`: builds the gate, runs it under `wrangler dev` in front of an origin, and says what to do next.
// Variables and secrets in the environment override wrangler.toml and .dev.vars; PORT moves the gate.

import { spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseEnv } from "node:util";

import { ensureToolchain, ensureTools, fail, root, run, say } from "./setup.mjs";

const VARIABLES = [
  "ORIGIN", "ORIGIN_TIMEOUT_SECONDS", "ANONYMOUS", "PUBLIC_PATHS", "ORIGIN_KIND", "ADOPT", "PUBLIC_URL",
  "MANAGEMENT_HOST", "AUDIT_DAYS", "MODE",
  "ALLOWED_ORIGINS", "FORWARD_CREDENTIALS", "ORIGIN_SITE", "ASSERTION_AUDIENCE", "DEBUG_TIMING", "LIMITS",
  "CACHE_SECONDS", "KV_CACHE_SECONDS", "TOKEN_PEPPER", "TOKEN_PEPPER_PREVIOUS", "ADMINISTRATOR_SECRET", "ASSERTION_JWK", "ORIGIN_AUTHORIZATION",
];
const secrets = join(root, ".dev.vars");
const file = join(root, ".wrangler", "start.vars");
const children = [];

function port() {
  const text = process.env.PORT ?? "8787";
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 65535) fail(`PORT=${text} is no port`);
  return number;
}

async function checkPort(number) {
  const server = createServer();
  await new Promise((resolve) => {
    server.once("error", (error) => fail(`port ${number} is not free (${error.code}): PORT=${number + 1} npm start`));
    server.listen(number, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Fresh secrets on the first start; never printed. */
function ensureSecrets() {
  if (existsSync(secrets)) return;
  const fresh = () => randomBytes(32).toString("hex");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signingKey = JSON.stringify(privateKey.export({ format: "jwk" }));
  const lines = `TOKEN_PEPPER=${fresh()}\nADMINISTRATOR_SECRET=${fresh()}\nASSERTION_JWK='${signingKey}'\n`;
  writeFileSync(secrets, lines, { mode: 0o600 });
  chmodSync(secrets, 0o600);
  say("made .dev.vars with fresh secrets");
}

/** In a way that wrangler's reader of such files gives back unchanged. */
function quoted(name, value) {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  if (!quote || /[\r\n]/.test(value) || (quote === '"' && value.includes("\\"))) {
    fail(`${name} holds line breaks or all of ' \` ": such a value cannot be passed on`);
  }
  return `${name}=${quote}${value.replaceAll("$", "\\$")}${quote}\n`;
}

/** Starts a program of the project; everything ends if it dies. */
function start(name, args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
    // A group of its own, so that ending it ends what it started.
    detached: true,
  });
  children.push(child);
  child.on("exit", (code) => end(`${name} ended (${code})`));
  return child;
}

let ending = false;
async function end(line) {
  if (ending) return;
  ending = true;
  if (line) say(line);
  const alive = () => children.filter((child) => child.exitCode === null && child.signalCode === null);
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    for (const child of alive()) {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It ended meanwhile.
      }
    }
    for (let waited = 0; alive().length > 0 && waited < 5000; waited += 50) await wait(50);
  }
  process.exit(line ? 1 : 0);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end());

/** What wrangler.toml says of the origin: an address, or a service bound in its place. */
function configuredOrigin() {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  const bound = /^binding = "ORIGIN_SERVICE"/m.test(text) && "the service ORIGIN_SERVICE";
  return /^ORIGIN = "([^"]+)"/m.exec(text)?.[1] ?? bound;
}

async function startExampleOrigin() {
  const child = start("the example origin", [join(root, "examples/origin/server.mjs")], { PORT: "0" });
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = /^READY (.*)$/.exec(line);
    if (ready) {
      child.stdout.resume();
      return ready[1];
    }
  }
}

/** Variables and secrets in the one file that wrangler is given. */
function writeVariables(variables) {
  const lines = Object.entries(variables).map(([name, value]) => quoted(name, value));
  mkdirSync(join(root, ".wrangler"), { recursive: true });
  writeFileSync(file, "", { mode: 0o600 });
  chmodSync(file, 0o600);
  writeFileSync(file, lines.join(""));
}

function startGate(number) {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const args = ["dev", "--ip", "127.0.0.1", "--port", String(number), "--env-file", file, "--show-interactive-dev-session=false"];
  const quiet = { QUICK_BUILD: "1", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
  start("the gate", [wrangler, ...args], quiet).stdout.pipe(process.stderr);
}

async function health(url) {
  for (;;) {
    try {
      const response = await fetch(`${url}/_gatehouse/health`);
      return await response.json();
    } catch {
      await wait(200);
    }
  }
}

function next(url, origin, isExample, administrator) {
  const header = `-H "Authorization: token Administrator:$(${administrator})"`;
  const generate = `${url}/api/method/frappe.core.doctype.user.user.generate_keys?user=alice@example.com`;
  return `
Gatehouse answers on ${url}, in front of ${origin}${isExample ? " (examples/origin)" : ""}.

In a browser: ${url}/_gatehouse/
Sign in as Administrator. Its secret:

   ${administrator}

Or without one: paste these into another terminal, in this directory.

1. Who am I? The built-in Administrator:

   curl ${header} \\
     ${url}/api/method/frappe.auth.get_logged_user

2. Make keys for a user. The api_secret is shown this once, and kept in $TOKEN:

   TOKEN=$(curl -sX POST ${header} \\
     "${generate}" | tee /dev/stderr |
     sed -E 's/.*"api_key":"([^"]+)","api_secret":"([^"]+)".*/\\1:\\2/')

3. Reach the origin as that user:

   curl -H "Authorization: token $TOKEN" ${url}/hello

Ctrl-C ends it.
`;
}

const number = port();
await checkPort(number);
ensureToolchain();
ensureTools();
ensureSecrets();
const quick = { env: { ...process.env, QUICK_BUILD: "1" } };
say("building the Worker …");
run(process.execPath, [join(root, "scripts/build.mjs")], "the Worker did not build (see above)", quick);
const given = Object.fromEntries(VARIABLES.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
const url = `http://127.0.0.1:${number}`;
const variables = { PUBLIC_URL: url, ...parseEnv(readFileSync(secrets, "utf8")), ...given };
const configured = variables.ORIGIN || configuredOrigin();
// Assertions need a name for an origin without an address: a zone's, or a service.
const isNamed = "ASSERTION_AUDIENCE" in variables || /^ASSERTION_AUDIENCE/m.test(readFileSync(join(root, "wrangler.toml"), "utf8"));
if (configured && !configured.startsWith("http") && !isNamed) variables.ASSERTION_AUDIENCE = configured;
writeVariables(variables);
const origin = configured || (await startExampleOrigin());
if (!configured) writeVariables({ ...variables, ORIGIN: origin });
startGate(number);
const { status, problems } = await health(url);
if (status !== "ok") await end(`the gate is misconfigured: ${problems.join("; ")}`);
const administrator =
  "ADMINISTRATOR_SECRET" in given
    ? "sed -n 's/^ADMINISTRATOR_SECRET=.\\(.*\\).$/\\1/p' .wrangler/start.vars | sed 's/\\\\\\$/$/g'"
    : "sed -n 's/^ADMINISTRATOR_SECRET=//p' .dev.vars";
console.log(next(url, origin, !configured, administrator));

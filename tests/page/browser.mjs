// What the scenarios share: a browser that is watched while a scenario runs, and the steps that many of them take.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

export const url = process.argv[2];
/** What the test tells its scenario. */
export const given = JSON.parse(process.argv[3]);
export const ADMINISTRATOR = "Administrator";
export const ADMINISTRATOR_SECRET = "a-secret-for-tests-of-32-characters";
export const PHONE = { width: 390, height: 844 };

const pictures = join(import.meta.dirname, "../../target/page-screenshots");
const quiet = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];

/** A fresh page of a browser, and how to end it. */
export async function browser(options = {}) {
  const chrome = await chromium.launch({ executablePath: "/usr/bin/chromium", args: quiet });
  const context = await chrome.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(15_000);
  return { context, page: await context.newPage(), close: () => chrome.close() };
}

/**
 * Runs a scenario on a fresh page. Whatever it does, the page must not throw, break its security policy, talk to
 * anybody but the gate, or store anything.
 */
export async function scenario(run, options = {}) {
  const { context, page, close } = await browser(options);
  try {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const problems = await watch(page);
    await page.goto(`${url}/_gatehouse/`);
    await run(page, context);
    const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
    assert.deepEqual(kept, [0, 0, ""], "the page stored something");
    assert.deepEqual(problems, []);
  } finally {
    await close();
  }
}

async function watch(page) {
  const problems = [];
  page.on("pageerror", (error) => problems.push(`thrown: ${error}`));
  page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    // Chromium notes every answer of 400 and more; the scenarios look at those themselves.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
  });
  page.on("request", (request) => {
    const { origin, search } = new URL(request.url());
    if (origin !== url) problems.push(`asked ${request.url()}`);
    if (search.includes("gks_")) problems.push(`a secret in an address: ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return problems;
}

export async function signIn(page, apiKey = ADMINISTRATOR, apiSecret = ADMINISTRATOR_SECRET) {
  await page.getByLabel("API key").fill(apiKey);
  await page.getByLabel("API secret").fill(apiSecret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Leaves a picture for a person to look at. */
export async function picture(page, name, options) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled", ...options });
}

/** Asks the gate as the built-in administrator, beside the browser. */
export async function manage(method, path, body) {
  const response = await fetch(`${url}/_gatehouse/${path}`, {
    method,
    headers: { Authorization: `token ${ADMINISTRATOR}:${ADMINISTRATOR_SECRET}` },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

/** What the gate answers to a request with these credentials, on its way to the origin. */
export async function statusFor(apiKey, apiSecret) {
  const response = await fetch(`${url}/hello`, { headers: { Authorization: `token ${apiKey}:${apiSecret}` } });
  return response.status;
}

/** Waits until the page says something. */
export function says(page, text) {
  return page.getByText(text).first().waitFor();
}

/** The keys that the open dialog shows. */
export async function shownKeys(page) {
  const dialog = page.getByRole("dialog", { name: /^Keys for/ });
  await dialog.waitFor();
  const [apiKey, apiSecret] = await dialog.locator("code").allTextContents();
  return { dialog, apiKey, apiSecret };
}

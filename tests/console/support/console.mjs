// A gateway with something in it, and a browser that looks at its console.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";

import { chromium } from "playwright-core";

import { startGateway } from "../../clients/support/gateway.mjs";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];

// Every credential has a secret that is found nowhere else.
export const SECRETS = {
  admin: "secret-of-the-admin-0001",
  reader: "secret-of-the-reader-002",
  writer: "secret-of-the-writer-003",
  hooks: "secret-of-the-hooks-0004",
  logs: "secret-of-the-logs-00005",
  metrics: "secret-of-metrics-000006",
};
const entry = (name, allow, topics) => ({ name, secret: SECRETS[name], allow, topics });
export const CREDENTIALS = [
  entry("admin", ["produce", "consume", "webhooks", "admin"], ["*"]),
  entry("reader", ["consume"], ["orders"]),
  entry("writer", ["produce"], ["orders"]),
  entry("hooks", ["produce", "webhooks"], ["orders"]),
  entry("logs", ["consume"], ["logs.*"]),
  entry("metrics", ["metrics"], ["*"]),
];
export const TOPICS = { orders: 3, refunds: 2, payments: 6, customers: 3, "logs.web": 2, "logs.api": 2 };

export async function startScene({ topics = TOPICS, variables = {} } = {}) {
  const access = { open_access: "false", credentials: JSON.stringify(CREDENTIALS) };
  const gateway = await startGateway({ topics, variables: { ...access, ...variables } });
  return { ...gateway, call: caller(gateway.url) };
}

// Calls the API as a credential. What goes wrong is an error, unless a status is expected.
export const caller = (url) =>
  async function call(method, path, body, { as = "admin", headers = {}, status } = {}) {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const all = { authorization: `Bearer ${SECRETS[as]}`, ...headers };
    const answer = await fetch(url + path, { method, body: text, headers: all });
    const said = await answer.text();
    assert.ok(status ? answer.status === status : answer.ok, `${method} ${path}: ${answer.status} ${said}`);
    const many = answer.headers.get("content-type") === "application/x-ndjson";
    return said ? JSON.parse(many ? `[${said.trim().replaceAll("\n", ",")}]` : said) : undefined;
  };

export const lines = (records) => [
  records.map((record) => JSON.stringify(record)).join("\n"),
  { headers: { "content-type": "application/x-ndjson" } },
];

// What .ci/console has installed. A console that nobody looks at is not tested, so that
// this is no reason to skip.
export function startBrowser() {
  const usual = ["/usr/bin/chromium", "/usr/bin/google-chrome"];
  const given = process.env.KAFKA_EDGE_CHROMIUM;
  const path = (given ? [given] : usual).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(path, "Chromium is not installed");
  return chromium.launch({ executablePath: path, args: FLAGS });
}

const underWay = new WeakMap();

// Waits until the page has had the answers to all of its calls, and makes no more of them.
export async function settled(page) {
  let since = Date.now();
  await until("the page has its answers", async () => {
    if (underWay.get(page).size) since = Date.now();
    assert.ok(Date.now() - since > 300);
  });
}

// A tab with no history. Whatever its scripts complain of fails the test, and so does
// every request to another host.
export async function openTab(t, browser, { url }, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  // A stream does not end, so that nobody waits for it.
  const waited = new Set();
  page.on("request", (request) => new URL(request.url()).pathname.includes("/consumer/") || waited.add(request));
  for (const ended of ["requestfinished", "requestfailed"]) page.on(ended, (request) => waited.delete(request));
  underWay.set(page, waited);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refusal that the page shows is reported here, too.
    const known = /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !known) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) complaints.push(`a request to ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  return page;
}

export async function signIn(page, { url }, name, view = "") {
  await page.goto(`${url}/console${view && `#/${view}`}`);
  await page.getByLabel("Secret").fill(SECRETS[name]);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Views" }).getByRole("link").first().waitFor();
}

export const open = (page, view) => page.evaluate((view) => (location.hash = `#/${view}`), view);

// How many rows of lists and tables there are.
export const rows = (page) => page.evaluate(() => document.querySelectorAll("tr, li").length);

// The value of a tile, as it is shown.
export const tile = (page, name) =>
  page.locator(".tiles div", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd").innerText();

// The cells of a table's rows.
export const cells = (page, caption) =>
  page.getByRole("table", { name: caption }).locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
  );

// Looks again until `enough` does not throw.
export async function until(what, enough, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await enough();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}, not within ${seconds} s`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

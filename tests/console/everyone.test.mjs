// By keyboard, with landmarks, in light and dark, and on a phone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { lines, open, openTab, signIn, startBrowser, startScene } from "./support/console.mjs";

// The views, and what is there once a view has its answers.
const VIEWS = {
  topics: ".names a",
  "topics/orders": "tbody tr",
  groups: ".names a",
  "groups/billing": "tbody tr",
  sources: ".names a",
  "sources/shop": ".stages li.refused",
  subscriptions: ".names a",
  "subscriptions/webhook_warehouse": "tbody .pill",
  destinations: ".names a",
  actions: ".names a",
  "actions/greet": "pre:not(:empty)",
  credentials: "tbody tr",
};

describe("for everyone", () => {
  let scene, browser;
  before(async () => {
    scene = await startScene();
    browser = await startBrowser();
    await scene.call("POST", "/producer/orders", ...lines([{ value: "one", partition: 0 }, { value: "two", partition: 1 }]));
    await scene.call("POST", "/groups/billing/seek", { topic: "orders", to: "earliest" });
    await scene.call("GET", "/consumer/orders?group=billing&ack=manual&lease=600&wait=0");
    await scene.call("POST", "/sources", { name: "shop", topic: "orders", verify: { token: { header: "x-shop-token" }, secrets: ["the secret of the shop"] } });
    await fetch(`${scene.url}/in/shop`, { method: "POST", body: "{}" });
    // Nothing listens there, so that its deliveries fail.
    await scene.call("PUT", "/subscriptions/webhook_warehouse", { topics: ["orders", "customers"], callback_url: "http://127.0.0.1:9/", from: "earliest" });
    await scene.call("POST", "/destinations", { name: "Event Stream", type: "kafka", config: { rest_url: "http://127.0.0.1:9", topic: "orders" } });
    await scene.call("POST", "/actions", { identifier: "greet", config: { type: "KAFKA", topic: "orders", payload: {} } });
  });
  after(async () => {
    await browser?.close();
    await scene?.stop();
  });

  async function show(page, view) {
    await open(page, view);
    await page.locator(`nav [aria-current][data-view=${view.split("/")[0]}]`).waitFor({ state: "attached" });
    await page.locator(`main ${VIEWS[view]}`).first().waitFor({ state: "attached" });
  }

  test("landmarks, headings and names of everything that can be used", async (t) => {
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin");
    for (const view of Object.keys(VIEWS)) {
      await show(page, view);
      const found = await page.evaluate(() => {
        const count = (selector) => document.querySelectorAll(selector).length;
        const named = (element) =>
          element.getAttribute("aria-label") || element.textContent.trim() || [...(element.labels ?? [])].some((label) => label.textContent.trim());
        const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
        return {
          language: document.documentElement.lang,
          landmarks: [count("header"), count("nav[aria-label]"), count("main"), count("h1")],
          unnamed: [...document.querySelectorAll("button, a, input, select, textarea")].filter((element) => !named(element)).map(({ outerHTML }) => outerHTML),
          uncaptioned: [...document.querySelectorAll("table")].filter((table) => !table.caption?.textContent).length,
          twice: ids.filter((id, place) => ids.indexOf(id) !== place),
        };
      });
      assert.deepEqual(found, { language: "en", landmarks: [1, 1, 1, 1], unnamed: [], uncaptioned: 0, twice: [] }, view);
    }
  });

  test("the keyboard alone leads to a topic, writes a record and follows", async (t) => {
    const page = await openTab(t, browser, scene);
    await page.goto(`${scene.url}/console`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.keyboard.type("secret-of-the-admin-0001");
    await page.keyboard.press("Enter");
    await page.getByText("6 topics").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("orders");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 2, name: "orders" }).waitFor();
    // One is where the link leads, and not behind the rest of a list.
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "orders");
    const reach = async (what) => {
      for (let turn = 0; turn < 40; turn += 1) {
        await page.keyboard.press("Tab");
        const here = await page.evaluate(() => {
          const { labels, textContent, tagName } = document.activeElement;
          const ring = getComputedStyle(document.activeElement).outlineStyle;
          return { name: tagName === "SELECT" ? "" : (labels?.[0]?.textContent ?? textContent), ring };
        });
        assert.notEqual(here.ring, "none", "one sees where one is");
        if (here.name === what) return;
      }
      assert.fail(`${what} was not reached`);
    };
    await reach("Follow");
    await page.keyboard.press("Space");
    await page.getByText("live", { exact: true }).waitFor();
    await reach("Message");
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("ControlOrMeta+Enter");
    await page.getByText(/^Written to partition/).waitFor();
    await page.getByRole("list", { name: "Records" }).getByText("by keyboard").waitFor();
    await open(page, "groups/billing");
    await page.getByRole("button", { name: "Forget this group…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("who is on a name of a list stays there when the list is read again", async (t) => {
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "groups");
    await page.getByText("1 group", { exact: true }).waitFor();
    const here = () => page.evaluate(() => document.activeElement.closest("li")?.innerText.split("\n")[0]);
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    assert.equal(await here(), "billing");
    await scene.call("POST", "/groups/mailer/seek", { topic: "orders", to: "latest" });
    await page.getByText("2 groups", { exact: true }).waitFor();
    assert.equal(await here(), "billing");
    await page.keyboard.press("ArrowDown");
    assert.equal(await here(), "mailer");
    await page.keyboard.press("ArrowUp");
    assert.equal(await here(), "billing");
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`texts stand out from their ground, ${colorScheme}`, async (t) => {
      const page = await openTab(t, browser, scene, { colorScheme });
      await signIn(page, scene, "admin");
      for (const view of Object.keys(VIEWS)) {
        await show(page, view);
        assert.deepEqual(await page.evaluate(faint), [], view);
      }
      // A pill of each kind, whether or not there was one.
      await page.evaluate(() => {
        for (const kind of ["", "good", "warn", "bad"]) {
          const pill = document.createElement("span");
          pill.className = `pill ${kind}`;
          pill.textContent = `a pill ${kind}`;
          document.querySelector(".card").append(pill);
        }
      });
      assert.deepEqual(await page.evaluate(faint), []);
    });
  }

  test("below a base path, and at once with open access", async (t) => {
    const below = await startScene({ variables: { base_path: "/edge", open_access: "true", credentials: "" } });
    t.after(() => below.stop());
    const page = await openTab(t, browser, below);
    await page.goto(`${below.url}/edge/console`);
    await page.getByText("Open access", { exact: true }).waitFor();
    await page.getByRole("link", { name: "orders" }).click();
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByLabel("Message").fill("below a base path");
    await page.getByRole("button", { name: "Produce" }).click();
    await page.getByRole("list", { name: "Records" }).getByText("below a base path").waitFor();
    assert.equal(await page.getByRole("button", { name: "Sign out" }).count(), 0);
  });

  test("nothing is wider than a phone, and everything is there", async (t) => {
    const page = await openTab(t, browser, scene, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await signIn(page, scene, "admin");
    for (const view of Object.keys(VIEWS)) {
      await show(page, view);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${view}: ${over}`);
      assert.deepEqual(await page.evaluate(cramped), [], view);
      const inSight = await page.evaluate(() => {
        const [link, nav] = ["nav [aria-current]", "nav"].map((one) => document.querySelector(one).getBoundingClientRect());
        return link.left >= nav.left - 1 && link.right <= nav.right + 1;
      });
      assert.ok(inSight, `one sees that one is in ${view}`);
    }
    await open(page, "topics/orders");
    await page.getByRole("searchbox").waitFor({ state: "hidden" });
    await page.getByRole("link", { name: "All topics" }).tap();
    await page.getByRole("searchbox").waitFor();
  });
});

// Tables of which a part is out of sight, and short names that are broken. Runs in the page.
function cramped() {
  const tables = [...document.querySelectorAll(".table")].filter((table) => table.scrollWidth > table.clientWidth);
  const names = [...document.querySelectorAll("td.name")].filter((name) => {
    const text = document.createRange();
    text.selectNodeContents(name);
    return name.textContent.length < 16 && text.getClientRects().length > 1;
  });
  return [...tables.map((table) => table.querySelector("caption").textContent), ...names.map((name) => name.textContent)];
}

// Texts whose contrast is below 4.5 (WCAG 2.2, 1.4.3). Runs in the page.
function faint() {
  const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest("noscript, option, button:disabled")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.tagName} ${texts.currentNode.data.trim().slice(0, 40)}`);
  }
  for (const field of document.querySelectorAll("[placeholder]")) {
    const { color, opacity } = getComputedStyle(field, "::placeholder");
    const [one, other] = [light(parse(color)), light(ground(field))].sort((a, b) => b - a);
    if (opacity !== "1" || (one + 0.05) / (other + 0.05) < 4.5) found.push(`placeholder ${field.placeholder}`);
  }
  return [...new Set(found)];
}

// What others write stays text, and what a script could do with it does not happen.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { lines, open, openTab, settled, signIn, startBrowser, startScene, until } from "./support/console.mjs";

const MARKUP = [
  "<img src=x onerror=\"document.title='hit'\">",
  "<script>document.title='hit'</script>",
  "</pre></script><svg onload=\"document.title='hit'\">",
  "<a href=\"javascript:document.title='hit'\">a link</a>",
  "<style>body{display:none}</style>",
  "{{constructor.constructor('document.title=1')()}}",
  "&lt;b&gt; &amp;quot; \u202e\u0000\u0007\ud83d\ude00",
];

describe("hostile texts", () => {
  let scene, browser;
  before(async () => {
    scene = await startScene();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await scene?.stop();
  });

  // As many elements of each kind as the page's own scripts have made.
  const foreign = (page) =>
    page.evaluate(() => ({
      made: document.querySelectorAll("main script, main style, main iframe, main object, main img, [onerror], [onload], a[href^='javascript:']").length,
      title: document.title.includes("hit"),
      hidden: getComputedStyle(document.body).display === "none",
    }));
  const NOTHING = { made: 0, title: false, hidden: false };

  test("in records, their keys and their headers", async (t) => {
    const records = MARKUP.map((text) => ({ value: text, key: text, partition: 0, headers: [{ name: text.slice(0, 60), value: text }] }));
    await scene.call("POST", "/producer/customers", ...lines(records));
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "topics/customers");
    await page.getByLabel("Where to begin").selectOption("earliest");
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText(`${MARKUP.length} records`).waitFor();
    const list = page.getByRole("list", { name: "Records" });
    for (const place of MARKUP.keys()) {
      const record = list.locator("li").nth(place);
      await record.locator("summary").click();
      const text = MARKUP[MARKUP.length - 1 - place];
      await until("the whole text is there", async () => {
        assert.equal(await record.locator("pre").evaluate((element) => element.textContent), text);
        assert.equal(await record.locator("dd").first().evaluate((element) => element.textContent), text);
      });
      assert.equal(await record.locator(".message").evaluate((element) => element.children.length), 0);
    }
    assert.deepEqual(await foreign(page), NOTHING);
  });

  test("in the names of groups and topics, in addresses and in errors", async (t) => {
    const group = MARKUP[0].slice(0, 60);
    const answer = { groups: [{ group, topics: [MARKUP[1]] }] };
    const page = await openTab(t, browser, scene);
    // The gateway takes no such names; another server in its place could send them.
    await page.route("**/groups", (route) => route.fulfill({ json: answer }));
    await page.route("**/topics", (route) => route.fulfill({ json: { topics: MARKUP.map((topic) => ({ topic, partitions: 1 })) } }));
    const error = { error: MARKUP[0], status: 409, detail: MARKUP[1] };
    await page.route("**/groups/*", (route) => route.fulfill({ status: 409, json: error }));
    await page.route("**/topics/*", (route) => route.fulfill({ status: 409, json: error }));
    await signIn(page, scene, "admin", "groups");
    await page.getByRole("link", { name: group }).click();
    await page.getByRole("alert").getByText(`${MARKUP[0]} (${MARKUP[1]})`).waitFor();
    assert.equal(await page.getByRole("heading", { level: 2 }).innerText(), group);
    await page.goto(`${scene.url}/console#/topics/${encodeURIComponent(MARKUP[0])}`);
    await page.getByRole("heading", { level: 2, name: MARKUP[0] }).waitFor();
    await page.getByRole("alert").getByText(MARKUP[0]).first().waitFor();
    for (const hash of ["#/topics/%", "#/%3Cimg%3E/x", `#/${MARKUP[0]}`, "#//", "#/constructor/x"]) {
      await page.goto(`${scene.url}/console${hash}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.deepEqual(await foreign(page), NOTHING, hash);
    }
  });

  test("in every text of every answer", async (t) => {
    await scene.call("POST", "/groups/billing/seek", { topic: "orders", to: "earliest" });
    await scene.call("POST", "/sources", { name: "shop", topic: "orders", verify: { token: { header: "x-shop-token" }, secrets: ["the secret of the shop"] } });
    await fetch(`${scene.url}/in/shop`, { method: "POST", body: "{}" });
    await scene.call("POST", "/producer/orders", "a record");
    await scene.call("PUT", "/subscriptions/webhook_warehouse", { topics: ["orders"], callback_url: "http://127.0.0.1:9/", from: "earliest" });
    await until("a delivery was tried", async () => {
      assert.notDeepEqual((await scene.call("GET", "/subscriptions/webhook_warehouse/attempts")).attempts, []);
    });
    const { id } = await scene.call("POST", "/destinations", { name: "Event Stream", type: "kafka", config: { rest_url: "http://127.0.0.1:9", topic: "orders" } });
    await scene.call("POST", "/actions", { identifier: "greet", config: { type: "KAFKA", topic: "orders", payload: {} } });
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin");
    const hostile = (value, place = 0) => {
      if (typeof value === "string") return MARKUP[place % MARKUP.length];
      if (value === null || typeof value !== "object") return value;
      const entries = Object.entries(value).map(([name, one], at) => [name, hostile(one, place + at)]);
      return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
    };
    let changed = 0;
    await page.route(/\/(topics|groups|sources|subscriptions|destinations|actions|credentials)(\/|$)/, async (route) => {
      const answer = await route.fetch();
      const json = hostile(await answer.json());
      changed += 1;
      await route.fulfill({ response: answer, json });
    });
    const views = ["topics/orders", "groups/billing", "sources/shop", "subscriptions/webhook_warehouse", `destinations/${id}`, "actions/greet", "credentials"];
    for (const view of views) {
      const before = changed;
      await open(page, view);
      // Of a topic there are only numbers beside the list.
      const place = view.startsWith("topics") ? "main" : "main .detail, main .wide";
      await page.locator(place).getByText("document.title").first().waitFor({ state: "attached" });
      await until("the answers are there", async () => assert.ok(changed > before));
      await settled(page);
      await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => (one.open = true)));
      assert.deepEqual(await foreign(page), NOTHING, view);
    }
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });

  test("in events, in what stages say of them, and in refusals", async (t) => {
    await scene.call("POST", "/sources", { name: "odd", topic: "orders", verify: { none: {} }, shape: { transform: ".text" } });
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "sources/odd");
    const box = page.getByRole("region", { name: "Try an event" });
    for (const text of MARKUP) {
      await box.getByLabel("Event").fill(JSON.stringify({ text }));
      await until("the result is there as text", async () => {
        const shown = await box.locator(".stages pre").first().evaluate((element) => element.textContent);
        assert.equal(JSON.parse(shown), text);
      });
    }
    assert.deepEqual(await foreign(page), NOTHING);
  });

  test("and no markup gets past the policy, whoever wrote it", async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`${scene.url}/console`);
    const outcome = await page.evaluate(async () => {
      const tries = {};
      const attempt = (name, make) => {
        try {
          make();
          tries[name] = "done";
        } catch (error) {
          tries[name] = error.name;
        }
      };
      attempt("innerHTML", () => (document.body.innerHTML = "<b>x</b>"));
      attempt("write", () => document.write("<b>x</b>"));
      const broken = new Promise((resolve) => document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true }));
      const script = document.createElement("script");
      attempt("script", () => {
        script.textContent = "document.title = 'hit'";
        document.head.append(script);
      });
      tries.violated = await Promise.race([broken, new Promise((resolve) => setTimeout(resolve, 3000, "nothing"))]);
      tries.foreign = await fetch("http://localhost:9/").then(() => "done", () => "refused");
      tries.title = document.title;
      return tries;
    }).catch((error) => ({ error: String(error) }));
    assert.equal(outcome.error, undefined);
    assert.equal(outcome.innerHTML, "TypeError");
    assert.equal(outcome.write, "TypeError");
    assert.equal(outcome.script, "TypeError");
    assert.notEqual(outcome.violated, "nothing");
    assert.equal(outcome.foreign, "refused");
    assert.notEqual(outcome.title, "hit");
  });
});

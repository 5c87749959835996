// What each credential is offered, and what it does not get to see.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { CREDENTIALS, SECRETS, TOPICS, lines, open, openTab, settled, signIn, startBrowser, startScene } from "./support/console.mjs";

// By credential: the views and topics that it is offered. Who is bound to topics is not offered to
// forget a group, which may be on others.
const ALL = ["Topics", "Groups", "Sources", "Subscriptions", "Destinations", "Actions", "Credentials"];
const OFFERED = {
  admin: { views: ALL, topics: Object.keys(TOPICS).sort(), groups: ["billing", "logs-reader"], produces: true, follows: true, forgets: true },
  reader: { views: ["Topics", "Groups"], topics: ["orders"], groups: ["billing"], produces: false, follows: true },
  writer: { views: ["Topics"], topics: ["orders"], groups: [], produces: true, follows: false },
  hooks: { views: ["Topics", "Sources", "Subscriptions"], topics: ["orders"], groups: [], produces: true, follows: false },
  logs: { views: ["Topics", "Groups"], topics: ["logs.api", "logs.web"], groups: ["logs-reader"], produces: false, follows: true },
  metrics: { views: ["Topics"], topics: Object.keys(TOPICS).sort(), groups: [], produces: false, follows: false },
};
// By credential: the subscriptions that it sees, and whether it may have them send again.
const SUBSCRIPTIONS = { admin: [["webhook_audit", "webhook_shop"], true], hooks: [["webhook_shop"], false] };
const CALLBACK = "the-secret-of-a-callback";
const SHOP = "the-secret-of-the-shop";

describe("by credential", () => {
  let scene, browser, receipts, stored;
  before(async () => {
    scene = await startScene();
    browser = await startBrowser();
    for (const topic of Object.keys(TOPICS)) {
      await scene.call("POST", `/producer/${topic}`, ...lines([{ value: `a record of ${topic}`, partition: 0 }]));
    }
    const claim = async (topic, group) => (await scene.call("GET", `/consumer/${topic}?group=${group}&ack=manual&lease=600`)).receipt;
    receipts = [await claim("orders", "billing"), await claim("logs.web", "logs-reader")];
    await scene.call("POST", "/sources", { name: "shop", topic: "orders", verify: { token: { header: "x-shop-token" }, secrets: [SHOP] } });
    await scene.call("POST", "/actions", { identifier: "greet", config: { type: "KAFKA", topic: "orders", payload: {} } });
    const subscription = { callback_url: "http://127.0.0.1:9/", auth: { bearer: CALLBACK } };
    await scene.call("PUT", "/subscriptions/webhook_shop", { ...subscription, topics: ["orders"] });
    await scene.call("PUT", "/subscriptions/webhook_audit", { ...subscription, topics: ["payments"] });
    stored = (await scene.call("POST", "/credentials", { name: "stored", allow: ["consume"], topics: ["payments"] })).secret;
  });
  after(async () => {
    await browser?.close();
    await scene?.stop();
  });

  for (const { name } of CREDENTIALS) {
    test(name, async (t) => {
      const expected = OFFERED[name];
      const page = await openTab(t, browser, scene);
      // All that the gateway answers to the page, and all that the page shows.
      const seen = [];
      const refused = [];
      page.on("response", async (response) => {
        if (response.status() === 401 || response.status() === 403) refused.push(response.url());
        if (response.headers()["content-type"]?.startsWith("application/json")) seen.push(await response.text().catch(() => ""));
      });
      const look = async () => seen.push(await page.evaluate(() => document.documentElement.outerHTML));
      await signIn(page, scene, name);
      refused.length = 0;
      const nav = page.getByRole("navigation", { name: "Views" });
      assert.deepEqual(await nav.getByRole("link").allInnerTexts(), expected.views);
      const names = page.locator(".names .name");
      await names.first().waitFor();
      assert.deepEqual((await names.allInnerTexts()).sort(), expected.topics);

      for (const topic of expected.topics) {
        await open(page, `topics/${topic}`);
        await page.getByRole("heading", { level: 2, name: topic }).waitFor();
        assert.equal(await page.getByRole("button", { name: "Produce" }).count(), expected.produces ? 1 : 0);
        assert.equal(await page.getByRole("button", { name: "Follow" }).count(), expected.follows ? 1 : 0);
        if (expected.follows) {
          await page.getByLabel("Where to begin").selectOption("earliest");
          await page.getByRole("button", { name: "Follow" }).click();
          await page.getByText(`a record of ${topic}`).waitFor();
        }
        await look();
      }
      // A view that is not offered is not opened by its address either.
      for (const view of ["groups", "groups/billing", "sources", "sources/shop", "subscriptions", "subscriptions/webhook_shop", "destinations", "actions/greet", "credentials"]) {
        await open(page, view);
        const title = view[0].toUpperCase() + view.slice(1).split("/")[0];
        await page.getByRole("heading", { level: 1, name: expected.views.includes(title) ? title : "Topics" }).waitFor();
        await settled(page);
        if (view === "groups" && expected.groups.length) {
          await names.first().waitFor();
          assert.deepEqual((await names.allInnerTexts()).sort(), expected.groups);
        }
        if (view === "groups/billing" && expected.groups.includes("billing")) {
          await page.getByRole("button", { name: "Move…" }).waitFor();
          const forget = page.getByRole("button", { name: "Forget this group…" });
          assert.equal(await forget.count(), Number(expected.forgets ?? false));
        }
        if (view.startsWith("subscriptions") && expected.views.includes(title)) {
          const [known, again] = SUBSCRIPTIONS[name];
          await names.first().waitFor();
          assert.deepEqual((await names.allInnerTexts()).sort(), known);
          if (view !== "subscriptions") {
            await page.getByRole("button", { name: "Pause" }).waitFor();
            assert.equal(await page.getByRole("button", { name: "Replay" }).count(), Number(again));
          }
        }
        await look();
      }
      const all = seen.join("\n");
      const others = Object.values(SECRETS).filter((secret) => secret !== SECRETS[name]);
      for (const hidden of [...others, SHOP, CALLBACK, stored, ...receipts]) assert.ok(!all.includes(hidden), hidden);
      for (const topic of Object.keys(TOPICS)) {
        const visible = all.includes(`a record of ${topic}`);
        assert.equal(visible, expected.follows && expected.topics.includes(topic), topic);
      }
      // Only what was opened by its address may have been refused: a group of others.
      const foreign = expected.groups.includes("billing") ? [] : [`${scene.url}/groups/billing`];
      assert.deepEqual([...new Set(refused)].filter((url) => !foreign.includes(url)), []);
    });
  }
});

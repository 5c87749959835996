// One person's path through each view.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { cells, lines, open, openTab, rows, signIn, startBrowser, startScene, tile, until, SECRETS } from "./support/console.mjs";

describe("one person", () => {
  let scene, browser;
  before(async () => {
    scene = await startScene();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await scene?.stop();
  });

  test("signs in with a secret, which the tab keeps, and signs out", async (t) => {
    const page = await openTab(t, browser, scene);
    await page.goto(`${scene.url}/console`);
    await page.getByLabel("Secret").fill("a guess");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The credential is not known").waitFor();
    await signIn(page, scene, "admin");
    await page.getByText("Ready", { exact: true }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Topics" }).waitFor();
    const kept = await page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie]);
    assert.deepEqual(kept, [1, 0, ""]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });

  test("signs in with the browser's own dialogue", async (t) => {
    const httpCredentials = { username: "reader", password: SECRETS.reader };
    const page = await openTab(t, browser, scene, { httpCredentials });
    await page.goto(`${scene.url}/console`);
    await page.getByRole("button", { name: "Use the browser’s dialogue" }).click();
    await page.getByText("reader", { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem("kafka-edge")), "browser");
    await page.reload();
    await page.getByText("reader", { exact: true }).waitFor();
  });

  test("follows a topic, and produces to it", async (t) => {
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin");
    await page.getByLabel("Find a topic").fill("ord");
    await page.getByText("1 of 6 topics").waitFor();
    await page.getByRole("link", { name: "orders" }).click();
    await page.getByRole("heading", { level: 2, name: "orders" }).waitFor();
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByLabel("Message").fill('{"order": 12345678901234567890}');
    await page.getByLabel("Key").fill("customer-1");
    await page.getByLabel("Partition", { exact: true }).fill("2");
    await page.getByText("Headers", { exact: true }).click();
    await page.getByLabel("One to a line").fill("trace: abc");
    await page.getByRole("button", { name: "Produce" }).click();
    await page.getByText("Written to partition 2 at offset 0.").waitFor();
    const record = page.getByRole("list", { name: "Records" }).locator("li");
    await record.getByText("customer-1").waitFor();
    assert.equal(await record.count(), 1);
    await record.locator("summary").click();
    await record.locator("pre").getByText('"order": 12345678901234567890').waitFor();
    await record.getByText("partition 2, offset 0").waitFor();
    await record.getByText("trace", { exact: true }).waitFor();
    await until("the record is counted", async () => assert.equal(await tile(page, "Records"), "1"));
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("off", { exact: true }).waitFor();
    await page.locator("summary", { hasText: "Partitions" }).click();
    assert.deepEqual(await cells(page, "Partitions"), [["0", "0", "0", "0"], ["1", "0", "0", "0"], ["2", "0", "1", "1"]]);
  });

  test("sees how far a group is, and moves it", async (t) => {
    const values = Array.from({ length: 20 }, (_, value) => ({ value: `${value}`, partition: value % 2 }));
    await scene.call("POST", "/producer/refunds", ...lines(values));
    await scene.call("GET", "/consumer/refunds?group=billing&max=6&wait=0");
    await scene.call("GET", "/consumer/refunds?group=billing&max=3&ack=manual&lease=600&wait=0");
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "groups");
    await page.getByRole("link", { name: "billing" }).click();
    const { topics } = await scene.call("GET", "/groups/billing");
    const partitions = topics[0].partitions;
    const text = (value) => (value === null ? "–" : String(value));
    const expected = partitions.map(({ partition, committed, claimed, end_offset, lag }) => [
      "refunds",
      ...[partition, committed, claimed, end_offset, lag].map(text),
    ]);
    await until("the positions are those of the API", async () => {
      const shown = await cells(page, "Positions");
      assert.deepEqual(shown.map((row) => row.map((cell) => cell.split("\n")[0])), expected);
    });
    const sum = (of) => partitions.reduce((all, one) => all + of(one), 0);
    assert.equal(await tile(page, "Lag"), String(sum(({ lag }) => lag)));
    assert.equal(await tile(page, "Claimed"), "3");
    await page.getByLabel("To", { exact: true }).selectOption("offset");
    await page.getByLabel("Partition", { exact: true }).fill("1");
    await page.getByLabel("Offset", { exact: true }).fill("10");
    await page.getByRole("button", { name: "Move…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Move billing on refunds?").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Move…" }).click();
    await dialog.getByRole("button", { name: "Move", exact: true }).click();
    await page.getByText("billing goes on at 1·10.").waitFor();
    const moved = await scene.call("GET", "/groups/billing");
    assert.equal(moved.topics[0].partitions[1].committed, 10);
    assert.equal(moved.topics[0].partitions[1].lag, 0);
    await page.getByRole("button", { name: "Forget this group…" }).click();
    await dialog.getByRole("button", { name: "Forget" }).click();
    await page.getByText("billing is forgotten.").waitFor();
    assert.deepEqual(await scene.call("GET", "/groups"), { groups: [] });
    await page.getByText("0 groups").waitFor();
  });

  test("tries an event as it is typed, and sees the last refusals", async (t) => {
    await scene.call("POST", "/sources", {
      name: "shop",
      topic: "orders",
      verify: { token: { header: "x-shop-token" }, secrets: ["the secret of the shop"] },
      shape: { filter: ".total > 0", transform: "{id, total}", key: { jq: ".id" } },
    });
    const refused = await fetch(`${scene.url}/in/shop`, { method: "POST", headers: { "x-shop-token": "a guess" }, body: "{}" });
    assert.equal(refused.status, 401);
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "sources/shop");
    const box = page.getByRole("region", { name: "Try an event" });
    const stage = (name) => box.getByRole("listitem").filter({ hasText: name });
    await stage("verify").getByText("The header x-shop-token is missing").waitFor();
    const event = box.getByLabel("Event");
    await event.fill('{"id": 12345678901234567890, "total": 0}');
    await stage("shape · filter").getByText("false").waitFor();
    await stage("outcome").getByText("filtered").waitFor();
    await event.press("ControlOrMeta+End");
    await event.press("ArrowLeft");
    await event.pressSequentially(".25");
    await stage("shape · transform").getByText('"id": 12345678901234567890').waitFor();
    await stage("outcome").getByText("written").waitFor();
    const { shape } = await scene.call("GET", "/sources/shop");
    await box.getByText("Other expressions").click();
    assert.equal(await box.getByLabel("Filter").inputValue(), shape.filter);
    await box.getByLabel("Filter").fill(".total > 1000");
    await stage("outcome").getByText("filtered").waitFor();
    await box.getByLabel("Filter").fill(".total >");
    await box.getByRole("alert").getByText(/filter|shape/i).waitFor();
    await box.getByLabel("Filter").fill(shape.filter);
    await stage("outcome").getByText("written").waitFor();
    assert.deepEqual((await scene.call("GET", "/sources/shop")).shape, shape, "the source keeps its own");
    await event.fill("no JSON");
    await stage("outcome").getByText(/shape|JSON/i).first().waitFor();
    await box.getByText("Headers, method, query").click();
    await box.getByLabel("Headers, one to a line").fill("x-shop-token: the secret of the shop");
    await stage("verify").getByText("passes").waitFor();
    await until("the refusal is shown", async () => {
      assert.equal((await cells(page, "The last refusals"))[0]?.[2], "mismatch");
    });
    assert.equal(await tile(page, "Refused"), "1");
    await page.getByRole("button", { name: "Turn off" }).click();
    await page.getByRole("button", { name: "Turn on" }).waitFor();
    assert.equal((await scene.call("GET", "/sources/shop")).enabled, false);
    assert.equal((await scene.call("GET", "/topics/orders")).offsets.reduce((sum, one) => sum + one.end_offset, 0), 1, "nothing was written");
  });

  test("makes a credential, whose secret is shown once, and removes it", async (t) => {
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "credentials");
    await page.getByLabel("Name").fill("night-shift");
    await page.getByLabel("Topics").fill("orders, logs.*");
    await page.getByLabel("consume").check();
    await page.getByRole("button", { name: "Make it" }).click();
    const dialog = page.getByRole("dialog");
    const secret = await dialog.locator("code").innerText();
    assert.match(secret, /^ke_/);
    // Read in the same task as the click: a secret that goes some time later is not gone.
    const left = await dialog.getByRole("button", { name: "I have it" }).evaluate((button) => {
      button.click();
      return document.documentElement.outerHTML + [...document.querySelectorAll("input, textarea")].map(({ value }) => value);
    });
    assert.ok(!left.includes(secret), "the secret is gone");
    await dialog.waitFor({ state: "detached" });
    const headers = { authorization: `Bearer ${secret}` };
    const self = await (await fetch(`${scene.url}/caller`, { headers })).json();
    assert.deepEqual(self, { name: "night-shift", allow: ["consume"], topics: ["orders", "logs.*"] });
    const row = page.getByRole("row", { name: /night-shift/ });
    await row.getByRole("button", { name: "Rotate…" }).click();
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    await page.getByText("The new secret of night-shift").waitFor();
    assert.notEqual(await dialog.locator("code").innerText(), secret);
    await page.getByRole("button", { name: "I have it" }).click();
    await row.getByRole("button", { name: "Remove…" }).click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("night-shift is removed.").waitFor();
    await row.waitFor({ state: "detached" });
    const names = (await scene.call("GET", "/credentials")).credentials.map(({ name }) => name);
    assert.ok(!names.includes("night-shift"));
    assert.equal(await page.getByRole("row", { name: /admin/ }).getByRole("button").count(), 0);
  });

  test("pauses a subscription, resumes it and sends its records again", async (t) => {
    const received = [];
    const callback = createServer((request, answer) => {
      request.resume();
      received.push(request.headers["webhook-id"]);
      answer.writeHead(received.length === 1 ? 503 : 200, { "content-type": "text/plain" });
      answer.end(received.length === 1 ? "<b>not yet</b>" : "");
    });
    await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));
    t.after(() => callback.close());
    const callback_url = `http://127.0.0.1:${callback.address().port}/hook`;
    const { id } = await scene.call("POST", "/subscriptions", { topics: ["logs.web"], callback_url });
    for (const number of [1, 2, 3]) await scene.call("POST", "/producer/logs.web?partition=0", `record ${number}`);
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "subscriptions");
    await page.getByRole("link", { name: id }).click();
    await page.getByText(callback_url, { exact: true }).waitFor();
    await until("all are delivered", async () => assert.equal(await tile(page, "Delivered"), "3"), 30);
    assert.equal(await tile(page, "Lag"), "0");
    await until("the attempt that failed is shown as text", async () => {
      const attempts = await cells(page, "The last attempts");
      assert.equal(attempts.length, 4);
      const failed = attempts.find((cells) => cells[2] === "503");
      assert.match(failed[4], /<b>not yet<\/b>/);
    });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("paused", { exact: true }).first().waitFor();
    assert.equal((await scene.call("GET", `/subscriptions/${id}`)).state, "paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("active", { exact: true }).waitFor();
    const before = received.length;
    await page.getByLabel("Partition", { exact: true }).fill("0");
    await page.getByLabel("Topic", { exact: true }).fill("logs.web");
    await page.getByRole("button", { name: "Replay" }).click();
    await until("the records come again", async () => assert.ok(received.length >= before + 3), 30);
    await page.getByRole("button", { name: "Redrive the dead letters" }).click();
    await page.getByText(/dead-letter topic/).waitFor();
    await page.getByRole("button", { name: "Remove it…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText(`${id} is removed.`).waitFor();
    assert.deepEqual((await scene.call("GET", "/subscriptions")).subscriptions, []);
  });

  test("sends the dead letters of a subscription again", async (t) => {
    let works = false;
    const accepted = [];
    const callback = createServer((request, answer) => {
      const body = [];
      request.on("data", (chunk) => body.push(chunk));
      request.on("end", () => {
        if (works) accepted.push(JSON.parse(Buffer.concat(body)));
        answer.writeHead(works ? 204 : 400);
        answer.end();
      });
    });
    await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));
    t.after(() => callback.close());
    const callback_url = `http://127.0.0.1:${callback.address().port}/hook`;
    const settings = { topics: ["logs.web"], callback_url, retry: { delays: [] }, exhausted: { dead_letter: "logs.api" } };
    const { id } = await scene.call("POST", "/subscriptions", settings);
    for (const number of [1, 2]) await scene.call("POST", "/producer/logs.web?partition=1", `unwanted ${number}`);
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "subscriptions");
    await page.getByRole("link", { name: id }).click();
    await until("both are dead letters", async () => assert.equal(await tile(page, "Dead letters"), "2"), 30);
    assert.equal(await tile(page, "Delivered"), "0");
    works = true;
    await page.getByRole("button", { name: "Redrive the dead letters" }).click();
    await page.getByText("Dead letters are sent again.").waitFor();
    await until("the callback has both", async () => {
      assert.deepEqual(accepted.map(({ message }) => message).sort(), ["unwanted 1", "unwanted 2"]);
    }, 30);
    await scene.call("DELETE", `/subscriptions/${id}`);
  });

  test("sees that a destination cannot be reached", async (t) => {
    const config = { rest_url: "http://127.0.0.1:9", topic: "orders" };
    const { id } = await scene.call("POST", "/destinations", { name: "Event Stream", type: "kafka", config });
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "destinations");
    await page.getByRole("link", { name: id }).click();
    await page.getByText("Event Stream", { exact: true }).last().waitFor();
    const finding = page.getByRole("region", { name: "Check" }).getByRole("listitem").filter({ hasText: "Reachable" });
    const said = await scene.call("POST", `/destinations/${id}/test`);
    assert.equal(said.reachable.passed, false);
    await finding.getByText(said.reachable.reason, { exact: true }).waitFor();
    await finding.getByText(said.reachable.error, { exact: true }).waitFor();
    await page.getByRole("button", { name: "Check again" }).click();
    await page.getByText("Settings", { exact: true }).click();
    await page.getByText('"rest_url": "http://127.0.0.1:9"').waitFor();
    // A source that writes there and here says of both what would become of an event.
    const archive = { rest_url: "http://127.0.0.1:9", topic: "archive" };
    await scene.call("POST", "/destinations", { name: "Archive", type: "kafka", config: archive, enabled: false });
    const destinations = ["gateway", "Event Stream", { name: "Archive", optional: true }];
    await scene.call("POST", "/sources", { name: "fan", topic: "orders", destinations, verify: { none: {} } });
    const trial = await scene.call("POST", "/sources/fan/test", { event: { id: 1 } });
    assert.deepEqual(trial.destinations.map(({ outcome }) => outcome), ["written", "written", "left-out"]);
    await open(page, "sources/fan");
    const box = page.getByRole("region", { name: "Try an event" });
    for (const { name, outcome } of trial.destinations) {
      await box.getByRole("listitem").filter({ hasText: name }).getByText(outcome, { exact: true }).waitFor();
    }
  });

  test("runs an action, and sees the report on it", async (t) => {
    await scene.call("POST", "/actions", {
      identifier: "greet",
      config: { type: "KAFKA", topic: "customers", payload: { text: "Hello {{ .outputs.trigger.name }}" } },
    });
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin", "actions/greet");
    await page.getByLabel("Outputs").fill('{"trigger": {}}');
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("config.payload/text").waitFor();
    await page.getByLabel("Outputs").fill('{"trigger": {"name": "Ada"}}');
    await page.getByRole("button", { name: "Run" }).click();
    const run = (await page.getByText(/^Run wfr_/).innerText()).slice(4);
    await page.getByText("IN_PROGRESS", { exact: true }).waitFor();
    await scene.call("PATCH", `/v1/workflows/runs/${run}/nodes/${run.replace("wfr_", "wfnr_")}`, { status: "COMPLETED", result: "SUCCESS" });
    await page.getByText("SUCCESS", { exact: true }).waitFor();
  });

  test("has at most 300 rows in each view", async (t) => {
    const page = await openTab(t, browser, scene);
    await signIn(page, scene, "admin");
    for (const view of ["topics", "topics/payments", "groups", "sources", "subscriptions", "destinations", "actions", "credentials"]) {
      await open(page, view);
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.ok((await rows(page)) <= 300, view);
    }
  });
});

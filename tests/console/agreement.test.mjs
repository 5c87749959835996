// What the page shows agrees with the API, while 32 callers work.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { cells, lines, open, openTab, signIn, startBrowser, startScene, tile, until } from "./support/console.mjs";

const ROUNDS = 5;

let scene, browser, callback;
before(async () => {
  scene = await startScene();
  callback = createServer((request, response) => request.resume().on("end", () => response.writeHead(204).end()));
  callback.listen(0, "127.0.0.1");
  await once(callback, "listening");
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await scene?.stop();
  callback?.close();
  callback?.closeAllConnections();
});

// 16 that produce, 8 that consume, 4 that claim and acknowledge, and 4 that send events.
function startCallers() {
  let working = true;
  const done = { produced: 0, events: 0 };
  const loop = async (work) => {
    while (working) await work();
  };
  const produce = async () => {
    const values = Array.from({ length: 5 }, (_, value) => ({ value: `record ${value}`, key: `${Math.random()}` }));
    const reports = await scene.call("POST", "/producer/orders", ...lines(values));
    done.produced += reports.filter(({ offset }) => offset >= 0).length;
  };
  const consume = () => scene.call("GET", "/consumer/orders?group=billing&max=20&wait=1");
  const claim = async () => {
    const { records } = await scene.call("GET", "/consumer/orders?group=billing&max=10&wait=1&ack=manual&lease=60");
    const receipts = records.slice(0, 7).map(({ receipt }) => receipt);
    if (receipts.length) await scene.call("POST", "/consumer/orders/ack?group=billing", { receipts });
  };
  const send = async () => {
    const answer = await fetch(`${scene.url}/in/shop`, { method: "POST", body: '{"total":1}' });
    if (answer.ok) done.events += 1;
  };
  const works = [[16, produce], [8, consume], [4, claim], [4, send]];
  const callers = works.flatMap(([count, work]) => Array.from({ length: count }, () => loop(work)));
  assert.equal(callers.length, 32);
  const stop = async () => {
    working = false;
    await Promise.all(callers);
    return done;
  };
  return stop;
}

// The first number of a cell.
const number = (text) => Number(text.split("\n")[0].split(", ")[0].replaceAll(",", ""));

// The positions that the page shows after its next look, and the answer that it got.
async function shown(page, path) {
  const isAnswer = (response) => response.url().endsWith(path) && response.request().method() === "GET";
  await page.waitForResponse(isAnswer);
  const asked = await page.waitForResponse(isAnswer);
  const answer = await asked.json();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
  return { rows: await cells(page, "Positions"), answer };
}

const GROUP = "/groups/billing";
const SUBSCRIPTION = "/subscriptions/webhook_shipping";
const positions = async () => (await scene.call("GET", GROUP)).topics.find(({ topic }) => topic === "orders").partitions;
const deliveries = async () => (await scene.call("GET", SUBSCRIPTION)).partitions;

// Each lies between what the API said before and after it.
function within(least, one, most, keys) {
  const say = JSON.stringify({ least, one, most });
  for (const [shown, told] of keys) assert.ok(least[told] <= one[shown] && one[shown] <= most[told], say);
}

test("the page agrees with the API while 32 callers work, and to the last record when they are done", async (t) => {
  await scene.call("POST", "/groups/billing/seek", { topic: "orders", to: "earliest" });
  await scene.call("POST", "/sources", { name: "shop", topic: "payments", verify: { none: {} } });
  const url = `http://127.0.0.1:${callback.address().port}/`;
  await scene.call("PUT", SUBSCRIPTION, { topics: ["orders"], callback_url: url, from: "earliest" });
  const [groups, tail, webhook] = [await openTab(t, browser, scene), await openTab(t, browser, scene), await openTab(t, browser, scene)];
  await signIn(groups, scene, "admin", "groups/billing");
  await signIn(webhook, scene, "admin", "subscriptions/webhook_shipping");
  await signIn(tail, scene, "admin", "topics/orders");
  await tail.getByLabel("Where to begin").selectOption("earliest");
  await tail.getByRole("button", { name: "Follow" }).click();
  await tail.getByText("live", { exact: true }).waitFor();
  const stop = startCallers();
  let [moved, delivered] = [0, 0];
  let done;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = [await positions(), await deliveries()];
      const [group, subscription] = await Promise.all([shown(groups, GROUP), shown(webhook, SUBSCRIPTION)]);
      const after = [await positions(), await deliveries()];
      assert.equal(group.rows.length, before[0].length);
      for (const [place, [, , committed, , end, lag]] of group.rows.entries()) {
        const [least, most] = [before[0][place], after[0][place]];
        const one = { committed: number(committed), end: number(end), lag: number(lag) };
        within(least, one, most, [["committed", "committed"], ["end", "end_offset"]]);
        assert.ok(one.lag >= 0 && one.lag <= most.end_offset - least.committed, JSON.stringify({ least, one, most }));
        moved += most.end_offset - least.end_offset;
      }
      assert.equal(subscription.rows.length, before[1].length);
      for (const [place, [, , position, failures, , lag]] of subscription.rows.entries()) {
        const [least, most] = [before[1][place], after[1][place]];
        within(least, { position: number(position) }, most, [["position", "position"]]);
        const told = subscription.answer.partitions[place];
        assert.deepEqual([number(position), number(failures), number(lag)], [told.position, told.failures, told.lag]);
        delivered += most.position - least.position;
      }
    }
  } finally {
    done = await stop();
  }
  assert.ok(moved > 0 && delivered > 0, "something happened meanwhile");
  assert.ok(done.produced > 0 && done.events > 0);

  await until("the tail has counted every record", async () => {
    assert.match(await tail.locator(".tail .count").innerText(), new RegExp(`^${done.produced.toLocaleString("en")} records? `));
  });
  await until("the topic has as many", async () => {
    assert.equal(await tile(tail, "Records"), done.produced.toLocaleString("en"));
  });
  await until("the positions are the same", async () => {
    const page = await cells(groups, "Positions");
    const api = await positions();
    assert.deepEqual(page.map((row) => [number(row[2]), number(row[3]), number(row[4]), number(row[5])]), api.map((one) => [one.committed, one.claimed, one.end_offset, one.lag]));
  });
  await until("all is delivered, and the page says so", async () => {
    const api = await scene.call("GET", SUBSCRIPTION);
    assert.deepEqual([api.lag, api.totals.delivered], [0, done.produced]);
    const page = await cells(webhook, "Positions");
    assert.deepEqual(page.map((row) => [number(row[2]), number(row[5])]), api.partitions.map((one) => [one.position, one.lag]));
    assert.equal(await tile(webhook, "Delivered"), done.produced.toLocaleString("en"));
    assert.equal(await tile(webhook, "Lag"), "0");
  }, 60);
  // An instance tells of its own events before others know of them, so that two answers may
  // differ: what the page shows is compared with the answer that it got.
  const isAnswer = (response) => response.url().endsWith("/sources/shop") && response.request().method() === "GET";
  const answered = groups.waitForResponse(isAnswer);
  await open(groups, "sources/shop");
  let { statistics } = await (await answered).json();
  groups.on("response", async (response) => isAnswer(response) && ({ statistics } = await response.json()));
  await until("the source has as many events", async () => {
    assert.equal(await tile(groups, "Accepted"), statistics.accepted.toLocaleString("en"));
  });
  assert.ok(statistics.accepted > 0 && statistics.accepted <= done.events);
});

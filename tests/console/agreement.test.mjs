// What the page shows agrees with the API, while 32 callers work.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { cells, lines, open, openTab, signIn, startBrowser, startScene, tile, until } from "./support/console.mjs";

const ROUNDS = 5;

let scene, browser;
before(async () => {
  scene = await startScene();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await scene?.stop();
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

// The positions that the page shows after its next look.
async function shown(page) {
  await page.waitForResponse((response) => response.url().endsWith("/groups/billing"));
  const asked = await page.waitForResponse((response) => response.url().endsWith("/groups/billing"));
  await asked.finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
  const rows = await cells(page, "Positions");
  return rows.map(([, partition, committed, , end, lag]) => ({ partition: number(partition), committed: number(committed), end: number(end), lag: number(lag) }));
}

const positions = async () => (await scene.call("GET", "/groups/billing")).topics.find(({ topic }) => topic === "orders").partitions;

test("the page agrees with the API while 32 callers work, and to the last record when they are done", async (t) => {
  await scene.call("POST", "/groups/billing/seek", { topic: "orders", to: "earliest" });
  await scene.call("POST", "/sources", { name: "shop", topic: "payments", verify: { none: {} } });
  const [groups, tail] = [await openTab(t, browser, scene), await openTab(t, browser, scene)];
  await signIn(groups, scene, "admin", "groups/billing");
  await signIn(tail, scene, "admin", "topics/orders");
  await tail.getByLabel("Where to begin").selectOption("earliest");
  await tail.getByRole("button", { name: "Follow" }).click();
  await tail.getByText("live", { exact: true }).waitFor();
  const stop = startCallers();
  let moved = 0;
  let done;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await positions();
      const page = await shown(groups);
      const after = await positions();
      assert.equal(page.length, before.length);
      for (const [place, one] of page.entries()) {
        const [least, most] = [before[place], after[place]];
        const say = JSON.stringify({ least, one, most });
        assert.ok(least.committed <= one.committed && one.committed <= most.committed, say);
        assert.ok(least.end_offset <= one.end && one.end <= most.end_offset, say);
        assert.ok(one.lag >= 0 && one.lag <= most.end_offset - least.committed, say);
        moved += most.end_offset - least.end_offset;
      }
    }
  } finally {
    done = await stop();
  }
  assert.ok(moved > 0, "something happened meanwhile");
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

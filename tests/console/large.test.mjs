// 10,000 topics, and 10,000 records at 1,000 a second: all are counted, the last is shown,
// at most 300 rows are in the document, and the heap is flat.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { lines, open, openTab, rows, settled, signIn, startBrowser, startScene, until } from "./support/console.mjs";

const TOPICS = 10000;
const RECORDS = 10000;
const BATCH = 100;
// In milliseconds: 1,250 records a second are asked for, so that there are 1,000.
const EVERY = 80;
// By which the heap may be larger after 10,000 records than after 2,000.
const SLACK = 1.5 * 1024 * 1024;

let scene, browser;
before(async () => {
  const topics = Object.fromEntries(Array.from({ length: TOPICS }, (_, number) => [`topic-${String(number).padStart(5, "0")}`, 1]));
  scene = await startScene({ topics });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await scene?.stop();
});

test("ten thousand topics are counted, found, and not all drawn", async (t) => {
  const page = await openTab(t, browser, scene);
  await signIn(page, scene, "admin");
  await page.getByText("10,000 topics, the first 100 shown").waitFor();
  assert.ok((await rows(page)) <= 300);
  const find = page.getByLabel("Find a topic");
  await find.fill("topic-0999");
  await page.getByText("10 of 10,000 topics").waitFor();
  await find.fill("09");
  assert.ok((await rows(page)) <= 300);
  await find.fill("topic-09999");
  await page.getByRole("link", { name: "topic-09999" }).click();
  await page.getByRole("heading", { level: 2, name: "topic-09999" }).waitFor();
});

test("however much there is, 300 rows are drawn of each view", async (t) => {
  const page = await openTab(t, browser, scene);
  await signIn(page, scene, "admin");
  const event = { id: 1 };
  await scene.call("POST", "/groups/billing/seek", { topic: "topic-00000", to: "earliest" });
  await scene.call("POST", "/sources", { name: "shop", topic: "topic-00000", verify: { none: {} }, shape: { filter: ".", transform: "., ., ., ., ., .", key: { jq: ".id" } } });
  await scene.call("PUT", "/subscriptions/webhook_shop", { topics: ["topic-00000"], callback_url: "http://127.0.0.1:9/", from: "earliest" });
  await scene.call("POST", "/producer/topic-00000", "a record");
  const run = { run_id: "run_1", redrive: false, topic: "topic-00000", partitions: [{ partition: 0, from: 0, position: 0, to: 1, delivered: 0, failed: 0 }] };
  const attempt = { time: "2026-11-30T00:00:00.000Z", topic: "topic-00000", partition: 0, offset: 0, status: 200, millis: 1, error: null, answer: "" };
  const trial = await scene.call("POST", "/sources/shop/test", { event });
  assert.ok(trial.events[0].steps.length >= 8);
  // What each answer has, five hundred times.
  const many = (list, one = list[0]) => Array.from({ length: 500 }, (_, place) => (typeof one === "object" ? { ...one, partition: place } : one));
  const more = {
    "/groups": ({ groups }) => ({ groups: many(groups) }),
    "/groups/billing": (group) => ({ ...group, topics: group.topics.map((topic) => ({ ...topic, partitions: many(topic.partitions) })) }),
    "/sources": ({ sources }) => ({ sources: many(sources) }),
    "/sources/shop": (source) => {
      const refused = Object.fromEntries(Array.from({ length: 500 }, (_, place) => [`verify/reason-${place}`, 1]));
      const refusals = many([], { time: attempt.time, stage: "verify", reason: "mismatch", headers: ["x"] });
      return { ...source, statistics: { ...source.statistics, refused, refusals } };
    },
    "/sources/shop/test": (answer) => ({ ...answer, events: many(answer.events) }),
    "/subscriptions": ({ subscriptions }) => ({ subscriptions: many(subscriptions) }),
    "/subscriptions/webhook_shop": (one) => ({ ...one, runs: many([], run), partitions: many(one.partitions) }),
    "/subscriptions/webhook_shop/attempts": () => ({ attempts: many([], attempt) }),
    "/credentials": ({ credentials }) => ({ credentials: many(credentials) }),
  };
  let changed = 0;
  await page.route((url) => more[url.pathname] !== undefined, async (route) => {
    const answer = await route.fetch();
    const json = more[new URL(route.request().url()).pathname](await answer.json());
    changed += 1;
    await route.fulfill({ response: answer, json });
  });
  for (const [view, count] of [["groups/billing", 2], ["sources/shop", 3], ["subscriptions/webhook_shop", 3], ["credentials", 1]]) {
    const before = changed;
    await open(page, view);
    await until("the answers are there", async () => assert.ok(changed - before >= count));
    await settled(page);
    await until(`${view} is drawn`, async () => assert.ok((await rows(page)) > 150, `${await rows(page)} rows`));
    assert.ok((await rows(page)) <= 300, `${view}: ${await rows(page)} rows`);
  }
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("ten thousand records at a thousand a second leave the heap flat", async (t) => {
  const page = await openTab(t, browser, scene);
  await signIn(page, scene, "admin", "topics/topic-00000");
  await page.getByRole("button", { name: "Follow" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const devtools = await page.context().newCDPSession(page);
  const heap = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    return (await devtools.send("Runtime.getHeapUsage")).usedSize;
  };
  const counted = async (count) =>
    until(`${count} are counted`, async () => {
      assert.match(await page.locator(".tail .count").innerText(), new RegExp(`^${count.toLocaleString("en")} records `));
    });
  const padding = "x".repeat(900);
  let sent = 0;
  let most = 0;
  // Batch after batch at its time, or as soon as the one before is written.
  const write = async (until) => {
    const [began, before] = [Date.now(), sent];
    const looks = [];
    while (sent < until) {
      const values = Array.from({ length: BATCH }, (_, place) => ({ value: `{"number":${sent + place},"padding":"${padding}"}` }));
      await scene.call("POST", "/producer/topic-00000", ...lines(values));
      sent += BATCH;
      if (sent % 1000 === 0) looks.push(rows(page));
      const due = began + ((sent - before) / BATCH) * EVERY;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
    }
    const seconds = (Date.now() - began) / 1000;
    most = Math.max(most, ...(await Promise.all(looks)));
    return (until - before) / seconds;
  };
  await write(2000);
  await counted(2000);
  const early = await heap();
  const rate = await write(RECORDS);
  await counted(RECORDS);
  const late = await heap();
  const first = page.getByRole("list", { name: "Records" }).locator("li").first();
  assert.match(await first.innerText(), new RegExp(`"number":${RECORDS - 1}`));
  console.log(`${Math.round(rate)} records a second; at most ${most} rows; the heap: ${early} bytes after 2,000, ${late} after ${RECORDS}`);
  assert.ok(rate >= 1000, `${rate} records a second`);
  assert.ok(most <= 300, `${most} rows`);
  assert.ok(late - early < SLACK, `${early} and then ${late} bytes`);

  // A record as large as Kafka takes is not kept as a whole.
  const large = JSON.stringify({ value: "y".repeat(900_000) });
  for (let turn = 0; turn < 90; turn += 1) await scene.call("POST", "/producer/topic-00000", large, { headers: { "content-type": "application/x-ndjson" } });
  await counted(RECORDS + 90);
  const after = await heap();
  console.log(`the heap after 90 records of 900,000 bytes: ${after}`);
  assert.ok(after - late < 4 * SLACK, `${late} and then ${after} bytes`);
});

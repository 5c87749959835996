// Kafka's REST server is away for eight seconds while streams are open.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openRaw } from "./support/calls.mjs";
import { openEventSource } from "./support/event_sources.mjs";
import { AWAY, produceUntil, startScene } from "./support/outage.mjs";
import { Inbox, sleep } from "./support/waiting.mjs";

const TOPIC = "orders";
const EVENTS = "text/event-stream";

describe("Kafka away for eight seconds", () => {
  let scene;
  const streams = [];
  const open = (path) => {
    const inbox = new Inbox();
    const stream = openEventSource(`${scene.gateway.url}/consumer/${path}`, inbox.put);
    streams.push(stream);
    return inbox;
  };

  // All streams meet the same outage; each test looks at one of them.
  let tail, group, during, unseen;
  before(async () => {
    scene = await startScene({ [TOPIC]: 1, unseen: 1 });
    tail = open(TOPIC);
    group = open(`${TOPIC}?group=g`);
    // What is written before a tail is open is not for it.
    await produceUntil(scene, TOPIC, "before", [tail, group]);
    scene.link.refuse();
    const raw = async (path) => {
      const inbox = new Inbox();
      const url = `${scene.gateway.url}/consumer/${path}`;
      const opening = openRaw(url, EVENTS, inbox.put);
      // A stream that is not answered before the server is back is not answered at once.
      const opened = await Promise.race([opening, sleep(6000).then(() => null)]);
      streams.push({ close: () => opening.then((stream) => stream.close(), () => {}) });
      return { inbox, status: opened?.status };
    };
    const [, known, unknown] = await Promise.all([
      sleep(AWAY),
      raw(`${TOPIC}?from=earliest`),
      raw("unseen"),
    ]);
    [during, unseen] = [known, unknown];
    scene.link.allow();
  });
  after(async () => {
    for (const { close } of streams) close();
    await scene?.stop();
  });

  test("a tail by npm eventsource goes on", () => produceUntil(scene, TOPIC, "after", [tail]));

  test("a group's stream by npm eventsource goes on", () => produceUntil(scene, TOPIC, "after", [group]));

  test("neither has lost a record, or shown one twice", () => {
    for (const { items } of [tail, group]) {
      const records = items.filter(({ type }) => type === "message");
      const offsets = records.map(({ data }) => JSON.parse(data).offset);
      assert.ok(offsets.length > 1, "records from before and after");
      assert.deepEqual(offsets, offsets.map((_, index) => offsets[0] + index));
    }
  });

  test("a stream that is opened while Kafka is away is answered, and goes on", async () => {
    assert.equal(during.status, 200);
    await during.inbox.until("the first record", (pieces) => pieces.join("").includes('"before"'));
  });

  test("so is a stream of a topic that the gateway has not met", async () => {
    assert.equal(unseen.status, 200);
    await produceUntil(scene, "unseen", "after", [unseen.inbox]);
  });
});

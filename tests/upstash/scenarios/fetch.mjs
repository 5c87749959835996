import assert from "node:assert/strict";
import { test } from "node:test";

import { unique } from "../gateway.mjs";

export default function fetching(scene) {
  test("a record is the first one at its own offset", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const mine = Array.from({ length: 3 }, () => unique("fetch"));
    const written = [];
    for (const value of mine) written.push(await producer.produce("red", value, { partition: 0 }));
    for (const [n, { topic, partition, offset }] of written.entries()) {
      const messages = await consumer.fetch(
        { topic, partition, offset, timeout: 5000 },
        { parallel: false },
      );
      assert.equal(messages[0].offset, offset);
      assert.equal(messages[0].value, mine[n]);
      assert.equal(messages[0].key, "");
    }
  });

  test("several places, in one call and in one call each", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const mine = [unique("fetch"), unique("fetch"), unique("fetch")];
    const written = await producer.produceMany([
      { topic: "red", partition: 0, value: mine[0] },
      { topic: "red", partition: 1, value: mine[1] },
      { topic: "yellow", partition: 0, value: mine[2] },
    ]);
    const places = written.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    const [single, ...topicPartitionOffsets] = places;
    for (const parallel of [true, false]) {
      const messages = await consumer.fetch(
        { ...single, topicPartitionOffsets, timeout: 5000 },
        { parallel },
      );
      const found = messages.map((message) => message.value);
      for (const value of mine) assert.ok(found.includes(value), `${value} in ${found}`);
    }
  });

  test("past the end there is nothing, after the wait", async () => {
    const admin = scene.kafka.admin();
    const topicPartition = { topic: "green", partition: 3 };
    const [end] = await admin.topicPartitionOffsets({ timestamp: "latest", topicPartition });
    const start = Date.now();
    const far = { ...end, offset: end.offset + 1000, timeout: 700 };
    assert.deepEqual(await scene.kafka.consumer().fetch(far), []);
    assert.ok(Date.now() - start >= 600);
  });
}

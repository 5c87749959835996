import assert from "node:assert/strict";
import { test } from "node:test";

import { TOPICS, unique } from "../gateway.mjs";

export default function admin(scene) {
  test("topics are told with their partitions", async () => {
    assert.deepEqual(await scene.kafka.admin().topics(), TOPICS);
  });

  test("a consumer is listed after its first call, and gone once it is removed", async () => {
    const admin = scene.kafka.admin();
    const group = unique("listed");
    const of = async () => (await admin.consumers()).find(({ name }) => name === group);
    assert.equal(await of(), undefined);
    await scene.kafka.consumer().consume({
      consumerGroupId: group,
      instanceId: "one",
      topics: ["red", "blue"],
      timeout: 10,
    });
    const topics = [
      { topic: "blue", partitions: [0] },
      { topic: "red", partitions: [0, 1, 2] },
    ];
    assert.deepEqual(await of(), { name: group, instances: [{ name: "one", topics }] });
    await admin.removeConsumerInstance(group, "one");
    assert.equal(await of(), undefined);
  });

  test("offsets are told by name", async () => {
    const [admin, producer] = [scene.kafka.admin(), scene.kafka.producer()];
    const topicPartition = { topic: "green", partition: 2 };
    const written = await producer.produce("green", "x", { partition: 2 });
    const [earliest] = await admin.topicPartitionOffsets({ timestamp: "earliest", topicPartition });
    assert.deepEqual(earliest, { ...topicPartition, offset: 0 });
    const latest = await admin.topicPartitionOffsets({
      timestamp: "latest",
      topicPartitions: [topicPartition, { topic: "blue", partition: 0 }],
    });
    assert.equal(latest.length, 2);
    assert.ok(latest[0].offset > written.offset);
  });

  test("offsets are told by time, in milliseconds and in seconds", { skip: !scene.tells }, async () => {
    const [admin, producer] = [scene.kafka.admin(), scene.kafka.producer()];
    const topicPartition = { topic: "blue", partition: 0 };
    // So far ahead that no other scenario's record is at or after it, and not
    // so far that Kafka refuses it.
    const time = Math.floor(Date.now() / 1000) * 1000 + 30 * 60 * 1000;
    const written = await producer.produce("blue", "x", { timestamp: time });
    for (const timestamp of [time, time - 500, time / 1000]) {
      const [found] = await admin.topicPartitionOffsets({ timestamp, topicPartition });
      assert.deepEqual(found, { ...topicPartition, offset: written.offset });
    }
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";

export default function produce(scene) {
  test("one message, as text and as an object", async () => {
    const producer = scene.kafka.producer();
    const before = Date.now();
    const text = await producer.produce("red", "hello", { partition: 1 });
    assert.equal(text.topic, "red");
    assert.equal(text.partition, 1);
    assert.ok(text.timestamp >= before - 5000 && text.timestamp <= Date.now() + 5000);
    const object = await producer.produce("red", { hello: "world" }, { partition: 1 });
    assert.ok(object.offset > text.offset);
    const [first] = await scene.kafka.consumer().fetch({ ...object, timeout: 5000 }, { parallel: false });
    assert.equal(first.value, '{"hello":"world"}');
  });

  test("key, partition, timestamp and headers arrive in their order", async () => {
    const headers = [
      { key: "trace", value: "1" },
      { key: "a", value: "ü" },
      { key: "trace", value: "2" },
    ];
    const options = { key: "k", partition: 2, timestamp: 1642628041000, headers };
    const written = await scene.kafka.producer().produce("red", "with all", options);
    assert.equal(written.partition, 2);
    const [read] = await scene.kafka.consumer().fetch({ ...written, timeout: 5000 }, { parallel: false });
    const { topic, partition, offset } = written;
    const told = scene.tells ? { timestamp: 1642628041000, headers } : {};
    assert.deepEqual(read, { topic, partition, offset, key: "k", value: "with all", ...told });
  });

  test("the same key is the same partition", async () => {
    const producer = scene.kafka.producer();
    const each = Array.from({ length: 5 }, () => producer.produce("green", "x", { key: "same" }));
    const partitions = (await Promise.all(each)).map((written) => written.partition);
    assert.equal(new Set(partitions).size, 1);
  });

  test("many messages to several topics, answered in their order", async () => {
    const messages = Array.from({ length: 30 }, (_, n) => ({
      topic: n % 3 === 0 ? "yellow" : "red",
      value: `${n}`,
      key: `${n}`,
    }));
    const written = await scene.kafka.producer().produceMany(messages);
    assert.deepEqual(written.map(({ topic }) => topic), messages.map(({ topic }) => topic));
    const consumer = scene.kafka.consumer();
    for (const n of [0, 1, 29]) {
      const { topic, partition, offset } = written[n];
      const [read] = await consumer.fetch({ topic, partition, offset, timeout: 5000 }, { parallel: false });
      assert.equal(read.value, `${n}`);
    }
  });
}

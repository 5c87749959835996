import assert from "node:assert/strict";
import { test } from "node:test";

import { unique } from "../gateway.mjs";

const values = (messages) => messages.map((message) => message.value);

// Consumes until it has so many, as programs do: an empty answer is no end.
export async function until(consume, count) {
  const messages = [];
  for (let tries = 0; messages.length < count && tries < 40; tries++) {
    messages.push(...(await consume()));
  }
  return messages;
}

export default function consume(scene) {
  test("a group begins at the end, and gets what comes then", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const group = { consumerGroupId: unique("late"), instanceId: "one", topics: ["blue"] };
    const [earlier, later] = [unique("before"), unique("after")];
    await producer.produce("blue", earlier);
    // Other tests write to the topic meanwhile.
    const seen = await consumer.consume({ ...group, timeout: 100 });
    await producer.produce("blue", later);
    await until(async () => {
      seen.push(...(await consumer.consume(group)));
      return values(seen).includes(later) ? [1] : [];
    }, 1);
    assert.ok(values(seen).includes(later));
    assert.ok(!values(seen).includes(earlier));
  });

  test("a group begins at the beginning when told so, and its records come once", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const mine = Array.from({ length: 20 }, () => unique("early"));
    await producer.produceMany(mine.map((value) => ({ topic: "green", value, key: value })));
    const group = {
      consumerGroupId: unique("early"),
      instanceId: "one",
      topics: ["green"],
      autoOffsetReset: "earliest",
      autoCommitInterval: 3000,
      timeout: 500,
    };
    const seen = [];
    await until(async () => {
      seen.push(...(await consumer.consume(group)));
      return mine.every((value) => values(seen).includes(value)) ? [1] : [];
    }, 1);
    for (const value of mine) {
      assert.equal(values(seen).filter((other) => other === value).length, 1, value);
    }
    for (const message of seen) {
      assert.equal(message.topic, "green");
      assert.equal(typeof message.offset, "number");
      assert.equal(Array.isArray(message.headers), scene.tells);
      assert.equal(typeof message.timestamp, scene.tells ? "number" : "undefined");
    }
    // Other tests write to the topic meanwhile, and without keys.
    for (const message of seen.filter(({ value }) => mine.includes(value))) {
      assert.equal(message.key, message.value);
    }
  });

  test("several topics come together", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const group = { consumerGroupId: unique("both"), instanceId: "one", topics: ["yellow", "red"] };
    await consumer.consume({ ...group, timeout: 10 });
    const [a, b] = [unique("both"), unique("both")];
    await producer.produceMany([{ topic: "yellow", value: a }, { topic: "red", value: b }]);
    const seen = [];
    await until(async () => {
      seen.push(...(await consumer.consume(group)));
      return [a, b].every((value) => values(seen).includes(value)) ? [1] : [];
    }, 1);
    assert.equal(seen.find((message) => message.value === a).topic, "yellow");
    assert.equal(seen.find((message) => message.value === b).topic, "red");
  });

  test("two instances of a group share the partitions, and no record goes to both", async () => {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const consumerGroupId = unique("shared");
    const instances = ["one", "two"].map((instanceId) => ({
      consumerGroupId,
      instanceId,
      topics: ["green"],
      timeout: 200,
    }));
    for (const instance of [...instances, ...instances]) await consumer.consume(instance);
    const mine = Array.from({ length: 40 }, (_, n) => ({ value: unique("shared"), partition: n % 4 }));
    await producer.produceMany(mine.map((message) => ({ topic: "green", ...message })));
    const seen = [[], []];
    const isMine = new Set(values(mine));
    await until(async () => {
      const both = await Promise.all(instances.map((instance) => consumer.consume(instance)));
      both.forEach((messages, n) => seen[n].push(...values(messages).filter((v) => isMine.has(v))));
      return seen.flat().length >= mine.length ? [1] : [];
    }, 1);
    assert.deepEqual(seen.flat().sort(), values(mine).sort());
    assert.ok(seen[0].length > 0 && seen[1].length > 0, `${seen[0].length}, ${seen[1].length}`);
  });
}

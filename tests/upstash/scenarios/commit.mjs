import assert from "node:assert/strict";
import { test } from "node:test";

import { unique } from "../gateway.mjs";
import { until } from "./consume.mjs";

export default function commit(scene) {
  const partition = 0;

  // A group that has read so many new records of a topic and committed none.
  async function uncommitted(topic, count) {
    const [consumer, producer] = [scene.kafka.consumer(), scene.kafka.producer()];
    const group = { consumerGroupId: unique("manual"), instanceId: "one" };
    const read = { ...group, topics: [topic], autoCommit: false, timeout: 500 };
    // Other scenarios write to the topic, too.
    const messages = await consumer.consume(read);
    const mine = Array.from({ length: count }, () => unique("manual"));
    await producer.produceMany(mine.map((value) => ({ topic, value, partition })));
    await until(async () => {
      messages.push(...(await consumer.consume(read)));
      return mine.every((value) => messages.some((message) => message.value === value)) ? [1] : [];
    }, 1);
    return { consumer, group, read, messages };
  }

  const committedBy = async (consumer, group, topic) => {
    const [committed] = await consumer.committed({ ...group, topicPartitions: [{ topic, partition }] });
    return committed?.offset;
  };

  test("an offset is read back as it was committed", async () => {
    const { consumer, group, messages } = await uncommitted("yellow", 5);
    for (const { offset } of messages.slice(0, 5)) {
      await consumer.commit({ ...group, offset: { topic: "yellow", partition, offset } });
      assert.equal(await committedBy(consumer, group, "yellow"), offset);
    }
    const offset = messages[2].offset;
    await consumer.commit({ ...group, offset: [{ topic: "yellow", partition, offset }] });
    assert.equal(await committedBy(consumer, group, "yellow"), offset);
    const inAdmin = await scene.kafka.admin().committedOffsets({
      ...group,
      topicPartition: { topic: "yellow", partition },
    });
    assert.deepEqual(inAdmin, [{ topic: "yellow", partition, offset }]);
  });

  test("an instance goes on and not back; what it did not commit goes to the next one", async () => {
    const { consumer, group, read, messages } = await uncommitted("yellow", 4);
    const again = await consumer.consume(read);
    const offsets = messages.map((message) => message.offset);
    assert.ok(again.every((message) => !offsets.includes(message.offset)));
    await consumer.commit({ ...group, offset: { topic: "yellow", partition, offset: offsets[2] } });
    await scene.kafka.admin().removeConsumerInstance(group.consumerGroupId, "one");
    const next = { ...read, instanceId: "two" };
    const rest = await until(() => consumer.consume(next), 2);
    assert.deepEqual(rest.slice(0, 2).map((message) => message.offset), offsets.slice(2, 4));
  });

  test("an empty commit is of all that was consumed", async () => {
    const { consumer, group, messages } = await uncommitted("blue", 3);
    assert.equal(await committedBy(consumer, group, "blue"), messages[0].offset);
    await consumer.commit(group);
    const end = messages.at(-1).offset + 1;
    assert.equal(await committedBy(consumer, group, "blue"), end);
    await scene.kafka.admin().removeConsumerInstance(group.consumerGroupId, "one");
    const { offset } = messages.at(-1);
    const next = await consumer.consume({ ...group, topics: ["blue"], timeout: 200 });
    assert.ok(next.every((message) => message.offset > offset));
  });

  test("a group that has read nothing has committed nothing", async () => {
    const group = { consumerGroupId: unique("nobody"), instanceId: "one" };
    assert.equal(await committedBy(scene.kafka.consumer(), group, "red"), undefined);
  });
}

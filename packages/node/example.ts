// Writes two records, works on them, and says what became of it.

import { consumer, follower, KafkaEdgeError, producer } from "kafka-edge";

const [topic, group] = ["orders", "workers"];
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value?: Uint8Array) => new TextDecoder().decode(value);

for (const order of ["a book", "two books"]) {
  const { partition, offset } = await producer.send(topic, { value: bytes(order), headers: [] });
  console.log(`${order}: partition ${partition}, offset ${offset}`);
}

const page = { topics: [topic], group, start: "earliest", wait: 1000, max: 10, maxBytes: 1 << 20 } as const;
for (const { record, receipt } of await consumer.claim({ ...page, topics: [topic] }, 30_000)) {
  // Whatever has to be done with the record is done here.
  const [result] = await consumer.ack(group, [receipt]);
  console.log(`working on ${text(record.value)}: ${result}`);
}

try {
  await producer.send("no-such-topic", { value: bytes("three books"), headers: [] });
} catch (error) {
  if (!(error instanceof KafkaEdgeError) || error.tag !== "unknown-topic") throw error;
  console.log("there is no topic no-such-topic");
}

const [records] = await follower.follow({ topics: [topic], start: "earliest" });
let left = 2;
for await (const { record } of records) {
  console.log(`there is ${text(record.value)}`);
  left -= 1;
  if (left === 0) break;
}

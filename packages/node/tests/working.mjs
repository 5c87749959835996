// One worker of a group: claims records, acknowledges them, and prints what it was given, until
// there is nothing left.

import { consumer } from "kafka-edge";

for (;;) {
  const page = { topics: ["jobs"], group: "workers", start: "earliest", wait: 1000, max: 3, maxBytes: 1 << 20 };
  const claimed = await consumer.claim(page, 60_000);
  if (claimed.length === 0) break;
  const results = await consumer.ack("workers", claimed.map(({ receipt }) => receipt));
  claimed.forEach(({ record }, i) => console.log(`${new TextDecoder().decode(record.value)} ${results[i]}`));
}

// Writes the set-up as a document, and asks what taking it again would change.

import { config, KafkaEdgeError, sources } from "kafka-edge";

await sources.create(JSON.stringify({ name: "shop", topic: "orders", verify: { none: {} } }));
const written = await config.export({ kinds: [] }, undefined);
const taken = await config.apply(written, undefined, true);
console.log(JSON.stringify(taken));
try {
  await config.export({ kinds: ["no-such"] }, undefined);
} catch (error) {
  console.log(error instanceof KafkaEdgeError && error.tag);
}

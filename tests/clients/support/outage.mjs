// A gateway whose Kafka REST server can be taken away.

import { produce } from "./calls.mjs";
import { startGateway, startKafka } from "./gateway.mjs";
import { startLink } from "./link.mjs";
import { again } from "./waiting.mjs";

// How long it is away.
export const AWAY = 8000;

export async function startScene(topics, variables) {
  const kafka = await startKafka(topics);
  const link = await startLink(kafka.port);
  const gateway = await startGateway({ rest: link.url, variables });
  const stop = async () => {
    await gateway.stop();
    await link.stop();
    await kafka.stop();
  };
  return { link, gateway, stop };
}

// Produces a message again and again until all readers have had one: a tail that has
// just been opened, or is about to find its way back, begins where the topic then ends.
export async function produceUntil({ gateway }, topic, message, inboxes) {
  // The gateway may not have noticed yet that the server is back.
  const attempt = () => produce(gateway.url, topic, message).catch(() => {});
  const needle = JSON.stringify(message);
  const has = ({ items }) => items.some((item) => (item.data ?? item).includes(needle));
  await again(`${message} at all readers`, async () => {
    if (!inboxes.every(has)) await attempt();
    return inboxes.map(has);
  }, (all) => all.every(Boolean));
}

// Has new records of a topic sent to a URL, writes one, and waits until it was received.

import { createServer } from "node:http";

import { producer, subscriptions } from "kafka-edge";

const topic = "orders";
const received = Promise.withResolvers();
const server = createServer(async (request, answer) => {
  const body = [];
  for await (const chunk of request) body.push(chunk);
  answer.end();
  received.resolve({ signed: "webhook-signature" in request.headers, body: Buffer.concat(body).toString() });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
await subscriptions.register(topic, `http://127.0.0.1:${server.address().port}/`, "latest");
await producer.send(topic, { value: new TextEncoder().encode("for subscribers"), headers: [] });
console.log(JSON.stringify(await received.promise));
server.close();
server.closeAllConnections();

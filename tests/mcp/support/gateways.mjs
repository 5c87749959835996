// Gateways: one over a Kafka that works, one over a Kafka that limits its callers, and one
// over none at all.

import { createServer } from "node:http";

import { startGateway } from "../../clients/support/gateway.mjs";

const PERMISSIONS = ["produce", "consume", "webhooks"];
const credential = (name, allow) => ({ name, secret: `secret-of-the-one-for-${name}`, allow, topics: ["orders"] });
const ALL = credential("all", PERMISSIONS);
export const READER = credential("reading", ["consume"]);

const variables = {
  open_access: "false",
  credentials: JSON.stringify([ALL, READER]),
};

// The ways in which a credential comes.
export const WAYS = {
  "a bearer token": ({ secret }) => ({ authorization: `Bearer ${secret}` }),
  "Basic": ({ name, secret }) => ({
    authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`,
  }),
  "X-API-Key": ({ secret }) => ({ "x-api-key": secret }),
};

export const headersOf = (way, who = ALL) => WAYS[way](who);

export const working = () => startGateway({ topics: { orders: 1, payments: 1 }, variables });

// A REST server that answers 429 to everything.
export async function throttled() {
  const server = createServer((_, answer) => {
    answer.writeHead(429, { "retry-after": "2", "content-type": "application/json" });
    answer.end('{"error_code":429,"message":"Request rate limit exceeded"}');
  });
  const port = await listen(server);
  const gateway = await startGateway({ rest: `http://127.0.0.1:${port}`, variables });
  const stop = async () => {
    await gateway.stop();
    server.close();
  };
  return { ...gateway, stop };
}

// An address at which nobody listens.
export async function unreachable() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return startGateway({ rest: `http://127.0.0.1:${port}`, variables });
}

const listen = (server) =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });

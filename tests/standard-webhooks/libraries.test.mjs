// Deliveries over TCP, verified by the libraries that receivers use: those of Standard
// Webhooks and of Svix. STANDARD_WEBHOOKS=all runs every one of them, otherwise two.

import assert from "node:assert/strict";
import { createPublicKey, verify as verifyBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { startGateway } from "../clients/support/gateway.mjs";
import { LIBRARIES } from "./support/libraries.mjs";
import { startReceiver } from "./support/receiver.mjs";

const TOPIC = "signed";

describe("deliveries", () => {
  let gateway, receiver, subscription, secrets;
  const call = async (method, path, body) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const produce = (value) => call("POST", `/producer/${TOPIC}`, value);

  // Before, within and after the time in which both secrets sign.
  before(async () => {
    gateway = await startGateway({ topics: { [TOPIC]: 1 } });
    receiver = await startReceiver();
    subscription = await call("POST", "/subscriptions", {
      topics: [TOPIC],
      callback_url: `${receiver.url}/hook`,
      sign: ["v1", "v1a"],
    });
    await produce({ text: "grüß dich 😀", n: 1 });
    await receiver.arrived(1);
    const rotated = await call("POST", `/subscriptions/${subscription.id}/rotate`, { overlap: 3600 });
    // An instance may sign with what it knew a second ago.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await produce({ n: 2 });
    await receiver.arrived(2);
    secrets = { old: subscription.secret, new: rotated.secret };
  });
  after(async () => {
    await gateway?.stop();
    receiver?.stop();
  });

  test("are signed in one line with single spaces, v1 first", () => {
    const [one, two] = receiver.received.map(({ headers }) => headers["webhook-signature"]);
    assert.match(one, /^v1,[^ ]+ v1a,[^ ]+$/);
    assert.match(two, /^v1,[^ ]+ v1,[^ ]+ v1a,[^ ]+( v1a,[^ ]+)?$/);
  });

  test("are signed by v1a with the key that the gateway shows", async () => {
    const shown = await call("GET", `/subscriptions/${subscription.id}`);
    const keys = shown.public_keys.map((key) => Buffer.from(key.replace("whpk_", ""), "base64"));
    for (const { headers, body } of receiver.received) {
      const signed = Buffer.concat([
        Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`),
        body,
      ]);
      const signatures = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
      const isRight = (signature, raw) => {
        // The head of an Ed25519 key in SubjectPublicKeyInfo (RFC 8410, section 4).
        const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
        const key = createPublicKey({ key: der, format: "der", type: "spki" });
        return verifyBytes(null, signed, key, Buffer.from(signature.slice(4), "base64"));
      };
      assert.ok(signatures.some((signature) => keys.some((key) => isRight(signature, key))));
    }
  });

  for (const { name, verify, options } of LIBRARIES) {
    test(`are verified by ${name}`, options, async () => {
      const [one, two] = receiver.received;
      const forged = { ...one, body: Buffer.from(one.body.toString().replace("1", "2")) };
      const other = "whsec_" + Buffer.alloc(32, 7).toString("base64");
      const cases = [
        [secrets.old, one, true],
        [secrets.old, two, true],
        [secrets.new, two, true],
        [secrets.new, one, false],
        [secrets.old, forged, false],
        [other, two, false],
      ];
      const found = await verify(cases.map(([secret, { headers, body }]) => ({ secret, headers, body })));
      assert.deepEqual(found, cases.map(([, , wanted]) => wanted));
    });
  }
});

// The question that a sender asks before it delivers: CloudEvents' "HTTP 1.1 Web Hooks for
// Event Delivery" 1.0.2, section 4. Azure Event Grid asks it, by
// https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-cloud-events-schema.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { addSource, startSources } from "./support/sources.mjs";

describe("a sender that asks whether it may deliver", () => {
  let gateway;
  before(async () => {
    gateway = await startSources();
    await addSource(gateway, "slow", { topic: "binary", mode: "binary", allow: { rate: 2 } });
    await addSource(gateway, "off", { topic: "binary", mode: "binary", enabled: false });
  });
  after(() => gateway?.stop());

  const ask = (source, headers) =>
    fetch(`${gateway.url}/in/${source}`, { method: "OPTIONS", headers });
  const question = {
    "webhook-request-origin": "eventgrid.azure.net",
    "webhook-request-rate": "120",
    "webhook-request-callback": "https://rp-test.eventgrid.azure.net/validate?id=1&key=abc",
  };

  test("is told that it may, as often as it wants", async () => {
    const answer = await ask("binary", question);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("webhook-allowed-origin"), "eventgrid.azure.net");
    assert.equal(answer.headers.get("webhook-allowed-rate"), "*");
    assert.match(answer.headers.get("allow"), /\bPOST\b/);
  });

  test("is told the rate of the source, by the minute", async () => {
    const answer = await ask("slow", question);
    assert.equal(answer.headers.get("webhook-allowed-origin"), "eventgrid.azure.net");
    assert.equal(answer.headers.get("webhook-allowed-rate"), "120");
  });

  test("has no consent of a source that is switched off, or if it does not ask", async () => {
    for (const [source, headers] of [["off", question], ["binary", {}]]) {
      const answer = await ask(source, headers);
      assert.equal(answer.headers.get("webhook-allowed-origin"), null, source);
      assert.equal(answer.headers.get("webhook-allowed-rate"), null, source);
    }
  });
});

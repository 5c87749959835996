// What people's clients make of `POST /mcp`, with each kind of credential.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { CLIENTS } from "./support/clients.mjs";
import { headersOf, READER, throttled, unreachable, WAYS, working } from "./support/gateways.mjs";

const TOOLS = [
  "list_topics", "read_records", "produce", "consume", "acknowledge", "group_lag",
  "list_subscriptions", "list_sources",
];
const READING = ["list_topics", "read_records", "consume", "acknowledge", "group_lag"];

// An integer that JavaScript cannot hold, as a part of a value.
const VALUE = '{"id":9007199254740993}';

for (const client of CLIENTS) {
  describe(client.name, { ...client.options, concurrency: true }, () => {
    const gateways = {};
    const drive = (gateway, headers, calls) =>
      client.drive({ url: `${gateways[gateway].url}/mcp`, headers, calls });

    before(async () => {
      const started = await Promise.all([working(), throttled(), unreachable()]);
      [gateways.working, gateways.throttled, gateways.unreachable] = started;
    });
    after(() => Promise.all(Object.values(gateways).map((gateway) => gateway.stop())));

    for (const way of Object.keys(WAYS)) {
      test(`with ${way}, tools are listed and called`, async () => {
        const key = `${client.name} ${way}`;
        const calls = [
          { name: "list_topics", arguments: {} },
          { name: "produce", arguments: { topic: "orders", value: VALUE, key, idempotency_key: key } },
          { name: "produce", arguments: { topic: "orders", value: VALUE, key, idempotency_key: key } },
          { name: "read_records", arguments: { topic: "orders", last: 100 } },
          { name: "consume", arguments: { topic: "orders", group: key, max: 1 } },
          { name: "group_lag", arguments: { group: key } },
          { name: "list_subscriptions", arguments: {} },
          { name: "list_sources", arguments: {} },
        ];
        const { version, tools, outcomes, refused } = await drive("working", headersOf(way), calls);
        assert.equal(refused, undefined, JSON.stringify(refused));
        assert.equal(version, client.version);
        assert.deepEqual(tools, TOOLS);
        for (const [index, outcome] of outcomes.entries()) {
          assert.equal(outcome.isError, false, `${calls[index].name}: ${JSON.stringify(outcome)}`);
        }
        const [topics, first, again, read, consumed, lag] = outcomes.map(({ text }) => JSON.parse(text));
        assert.deepEqual(topics, { topics: [{ topic: "orders", partitions: 1 }] });
        assert.deepEqual([first.repeat, again.repeat, again.offset], [false, true, first.offset]);
        const record = read.records.find((one) => one.offset === first.offset);
        assert.deepEqual([record.key, record.value], [key, VALUE]);
        assert.equal(consumed.records.length, 1);
        assert.equal(lag.groups[0].group, key);
      });

      test(`with ${way}, what goes wrong is told`, async () => {
        const { outcomes } = await drive("working", headersOf(way), [
          { name: "nonsense", arguments: {} },
          { name: "read_records", arguments: { topic: "payments" } },
          { name: "read_records", arguments: { topic: "orders", last: 0 } },
          { name: "read_records", arguments: { topic: "orders", offest: 1 } },
          { name: "list_topics", arguments: {} },
        ]);
        const [unknown, refused, bad, misspelt, after] = outcomes;
        assert.equal(unknown.code, -32602, JSON.stringify(unknown));
        assert.match(unknown.message, /Unknown tool/);
        assert.equal(refused.isError, true, JSON.stringify(refused));
        assert.match(refused.text, /"payments" is none of those of this credential.*list_topics/);
        assert.equal(bad.isError, true);
        assert.match(bad.text, /^last: Not a whole number from 1 to 100/);
        assert.equal(misspelt.isError, true);
        assert.match(misspelt.text, /There is no "offest"/);
        assert.equal(after.isError, false, "the session goes on");
      });

      test(`with ${way}, a reader sees what reads`, async () => {
        const produce = { name: "produce", arguments: { topic: "orders", value: "x" } };
        const { tools, outcomes } = await drive("working", headersOf(way, READER), [produce]);
        assert.deepEqual(tools, READING);
        assert.equal(outcomes[0].isError, true);
        assert.match(outcomes[0].text, /permission "produce" is missing/);
      });

      for (const [gateway, sentence] of [
        ["throttled", /^Too many requests\. Try again in \d+ seconds?\.$/],
        ["unreachable", /^The Kafka server cannot be reached/],
      ]) {
        test(`with ${way}, a Kafka that is ${gateway} is told`, async () => {
          const calls = [
            { name: "list_topics", arguments: {} },
            { name: "produce", arguments: { topic: "orders", value: "x" } },
            { name: "read_records", arguments: { topic: "orders" } },
          ];
          const { tools, outcomes } = await drive(gateway, headersOf(way), calls);
          assert.deepEqual(tools, TOOLS);
          for (const outcome of outcomes) {
            assert.equal(outcome.isError, true, JSON.stringify(outcome));
            assert.match(outcome.text, sentence);
          }
        });
      }
    }

    for (const [what, headers] of [
      ["no credential", {}],
      ["a wrong credential", { authorization: "Bearer a-guess-of-somebody" }],
    ]) {
      test(`${what} is told when the tools are listed`, async () => {
        const { version, refused } = await drive("working", headers, []);
        assert.equal(version, client.version, "the client has connected");
        // PyPI's mcp 1 reads no error at another status than 200.
        assert.match(refused.message, /credential|401 Unauthorized/);
      });
    }
  });
}

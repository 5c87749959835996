// A record as it was read is a line that produces the same record again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startGateway } from "./support/gateway.mjs";

const BINARY = Buffer.from([0xff, 0x00, 0x0a, 0x22, 0xc3, 0x28]);
const base64 = BINARY.toString("base64");

// Lines for producing, and what each is about.
const RECORDS = {
  "text and a null key": { value: "text", key: null },
  "text that looks like base64": { value: "/w==", key: "AA==" },
  "text with all that JSON escapes": { value: 'a\n"\\\u0000\u2028ü😀', key: "\t" },
  "an empty value and an empty key": { value: "", key: "" },
  "a tombstone": { value: null, key: "gone" },
  "a tombstone without a key": { value: null, key: null },
  "binary value, key and header": {
    ...{ value: base64, encoding: "base64", key: base64, key_encoding: "base64" },
    headers: [{ name: "binary", value: base64, encoding: "base64" }],
  },
  "headers of one name, with and without a value": {
    value: "text",
    headers: [
      { name: "a", value: "1" },
      { name: "a", value: null },
      { name: "a", value: "" },
    ],
  },
  "a time of its own": { value: "text", timestamp: "2020-02-29T23:59:59.999Z" },
};

describe("a record that was read", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ topics: { original: 1, copy: 1 } });
    await send("original", Object.values(RECORDS).map((record) => JSON.stringify(record)));
    await send("copy", await linesOf("original"));
  });
  after(() => gateway?.stop());

  const send = async (topic, lines) => {
    const answer = await fetch(`${gateway.url}/producer/${topic}`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.map((line) => `${line}\n`).join(""),
    });
    const reports = (await answer.text()).trim().split("\n").map(JSON.parse);
    const refused = reports.filter(({ error }) => error);
    assert.deepEqual(refused, [], "every line is taken");
  };

  const linesOf = async (topic) => {
    const answer = await fetch(`${gateway.url}/topics/${topic}/partitions/0/records?max=100`);
    return (await answer.json()).records.map((record) => JSON.stringify(record));
  };

  for (const [index, name] of Object.keys(RECORDS).entries()) {
    test(`is produced again: ${name}`, async () => {
      const [original, copy] = [await linesOf("original"), await linesOf("copy")];
      assert.equal(copy[index], original[index].replace('"topic":"original"', '"topic":"copy"'));
    });
  }

  test("has the bytes that were sent", async () => {
    const copy = await linesOf("copy");
    const { message, encoding, key, key_encoding, headers } = JSON.parse(copy[6]);
    assert.deepEqual([encoding, key_encoding, headers[0].encoding], Array(3).fill("base64"));
    for (const text of [message, key, headers[0].value]) {
      assert.deepEqual(Buffer.from(text, "base64"), BINARY);
    }
  });
});

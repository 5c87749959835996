// A record as it was read is a line that produces the same record again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startGateway } from "./support/gateway.mjs";

const BINARY = Buffer.from([0xff, 0x00, 0x0a, 0x22, 0xc3, 0x28]).toString("base64");

// Lines for producing, and what each is about.
const RECORDS = {
  "text and a null key": { value: "text", key: null },
  "text that looks like base64": { value: "/w==", key: "AA==" },
  "text with all that JSON escapes": { value: 'a\n"\\\u0000\u2028ü😀', key: "\t" },
  "an empty value and an empty key": { value: "", key: "" },
  "a tombstone": { value: null, key: "gone" },
  "a tombstone without a key": { value: null, key: null },
  "binary value, key and header": {
    ...{ value: BINARY, encoding: "base64", key: BINARY, key_encoding: "base64" },
    headers: [{ name: "binary", value: BINARY, encoding: "base64" }],
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
  });
  after(() => gateway?.stop());

  // Produces a line, and returns the text of the record as it is read.
  const write = async (topic, line) => {
    const answer = await fetch(`${gateway.url}/producer/${topic}`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: line,
    });
    const { error, detail, offset } = await answer.json();
    assert.ok(!error, `${error} (${detail})`);
    const at = `offset=${offset}&max=1`;
    const page = await fetch(`${gateway.url}/topics/${topic}/partitions/0/records?${at}`);
    return (await page.text()).replace(/^\{"records":\[/, "").replace(/\],"next_offset":\d+\}$/, "");
  };

  for (const [name, { value: message, ...line }] of Object.entries(RECORDS)) {
    test(`is produced again: ${name}`, async () => {
      const text = await write("original", JSON.stringify({ value: message, ...line }));
      const original = JSON.parse(text);
      assert.deepEqual({ ...original, message, ...line }, original, "the record is as it was sent");
      const copy = JSON.parse(await write("copy", text));
      const { topic, offset } = copy;
      assert.deepEqual(copy, { ...original, topic, offset });
    });
  }
});

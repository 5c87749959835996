// Events that the SDKs send over HTTP, and that they read out of Kafka again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { CloudEvent, HTTP } from "cloudevents";

import { cloudEventsPython } from "../clients/support/tools.mjs";
import { expected, timeSent, writtenByJavaScript, writtenByPython } from "./support/events.mjs";
import { readByJavaScript, readByPython, readPlainly } from "./support/reading.mjs";
import { MODES, post, readBack, startSources, written } from "./support/sources.mjs";

const python = cloudEventsPython();

describe("an event of an SDK, through a source", () => {
  const sent = [...writtenByJavaScript(), ...(python.path ? writtenByPython(python.path) : [])];
  // For each source, the record that each of these became.
  const records = {};
  const byPython = {};
  let gateway;
  before(async () => {
    gateway = await startSources();
    for (const source of MODES) {
      records[source] = [];
      for (const { message } of sent) records[source].push(await written(gateway, source, message));
      if (python.path) byPython[source] = readByPython(python.path, records[source]);
    }
  });
  after(() => gateway?.stop());

  for (const source of MODES) {
    sent.forEach((one, index) => {
      const title = `${one.event.name}, sent by ${one.sender} in ${one.mode} mode, written in ${source} mode`;
      test(title, () => {
        const record = records[source][index];
        const wanted = expected(one);
        const plain = expected(one, timeSent(one));
        assert.deepEqual(readPlainly(record), plain, "by the text of the binding");
        assert.equal(record.key?.toString(), one.event.attributes.partitionkey, "the record's key");
        if (python.path) assert.deepEqual(byPython[source][index], wanted, "by PyPI cloudevents");
        if (record.value === null) {
          // The package refuses what section 3.2.2 of the Kafka binding asks for.
          assert.throws(() => readByJavaScript(record), /Value is null or undefined/);
        } else {
          assert.deepEqual(readByJavaScript(record), wanted, "by npm cloudevents");
        }
      });
    });
  }

  test("data in binary mode is what was sent, byte for byte", () => {
    sent.forEach(({ mode, message }, index) => {
      if (mode !== "binary" || !message.body?.length) return;
      assert.deepEqual(records.binary[index].value, Buffer.from(message.body));
    });
  });

  test("an integer stays one where the format has integers", () => {
    const isInteger = ({ event, mode }) => event.name === "an integer" && mode === "structured";
    const places = sent.flatMap((one, index) => (isInteger(one) ? [index] : []));
    assert.ok(places.length > 0);
    for (const index of places) {
      assert.equal(JSON.parse(records.structured[index].value.toString()).count, -7);
    }
  });

  test("an explicit null is data", async () => {
    const attributes = { id: "null", source: "/tests", type: "com.example.test" };
    const event = new CloudEvent({ ...attributes, datacontenttype: "application/json", data: null });
    for (const mode of MODES) {
      const record = await written(gateway, "binary", HTTP[mode](event));
      assert.equal(record.value?.toString(), "null", mode);
      assert.deepEqual(readByJavaScript(record).data, { json: null }, mode);
      const { value } = await written(gateway, "structured", HTTP[mode](event));
      assert.equal(JSON.parse(value.toString()).data, null, mode);
    }
  });

  // npm's package leaves attributes as they are, and fetch writes them in Latin-1.
  test("an attribute that is not in UTF-8 is refused", async () => {
    const attributes = { id: "latin", source: "/tests", type: "com.example.test", subject: "Zürich" };
    const { headers, body } = HTTP.binary(new CloudEvent({ ...attributes, data: {} }));
    const answer = await fetch(`${gateway.url}/in/binary`, { method: "POST", headers, body });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /not UTF-8/);
  });

  test("a batch is its events", async () => {
    const whole = sent.filter(({ sender, mode }) => sender === "npm" && mode === "structured");
    assert.ok(whole.length > 1);
    const message = {
      headers: { "content-type": "application/cloudevents-batch+json; charset=utf-8" },
      body: `[${whole.map((one) => one.message.body).join(",")}]`,
    };
    for (const source of MODES) {
      const { status, json } = await post(gateway, source, message);
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(json.events.length, whole.length);
      for (const [index, { records: [place] }] of json.events.entries()) {
        const record = await readBack(gateway, place);
        assert.deepEqual(readPlainly(record), expected(whole[index]), whole[index].event.name);
      }
    }
  });
});

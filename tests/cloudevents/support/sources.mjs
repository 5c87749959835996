// A gateway with sources that write CloudEvents, and what lies in Kafka afterwards.

import { ok } from "node:assert/strict";
import { request } from "node:http";

import { startGateway } from "../../clients/support/gateway.mjs";

// The content modes of the Kafka binding. There is a source of each name, and it writes to
// a topic of that name.
export const MODES = ["binary", "structured"];

export async function startSources() {
  const gateway = await startGateway({ topics: Object.fromEntries(MODES.map((mode) => [mode, 1])) });
  for (const mode of MODES) await addSource(gateway, mode, { topic: mode, mode });
  return gateway;
}

export async function addSource({ url }, name, { topic, mode, ...more }) {
  const source = {
    ...{ name, topic, verify: { none: {} } },
    cloud_events: { mode, partition_key: true },
    ...more,
  };
  const answer = await fetch(`${url}/sources`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(source),
  });
  ok(answer.status === 201, `${answer.status} ${await answer.text()}`);
}

// Sends a request to a source as its sender made it: no header is added. Headers' texts go
// out in UTF-8.
export function post({ url }, source, { headers, body }) {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/in/${source}`, { method: "POST" });
    for (const [name, value] of Object.entries(headers)) {
      // Node writes each character of a header as one byte.
      call.setHeader(name, Buffer.from(String(value)).toString("latin1"));
    }
    call.once("error", reject);
    call.once("response", async (answer) => {
      let text = "";
      for await (const piece of answer) text += piece;
      resolve({ status: answer.statusCode, json: text && JSON.parse(text) });
    });
    // A text would take the headers along into UTF-8.
    call.end(body === undefined ? body : Buffer.from(body));
  });
}

// Sends a request that brings one event, and returns the record that it became.
export async function written(gateway, source, message) {
  const { status, json } = await post(gateway, source, message);
  ok(status === 200 && json.records.length === 1, `${status} ${JSON.stringify(json)}`);
  return readBack(gateway, json.records[0]);
}

// A record as Kafka has it: headers by name, key and value in bytes, null if there is none.
export async function readBack({ url }, { topic, partition, offset }) {
  const at = `offset=${offset}&max=1`;
  const answer = await fetch(`${url}/topics/${topic}/partitions/${partition}/records?${at}`);
  const { records } = await answer.json();
  const [record] = records;
  ok(record?.offset === offset, `no record at ${topic}/${partition}/${offset}`);
  const headers = {};
  for (const { name, value, encoding } of record.headers) {
    ok(!(name in headers), `the header ${name} is there twice`);
    ok(encoding === undefined, `the header ${name} is not text`);
    headers[name] = value;
  }
  const key = bytes(record.key, record.key_encoding);
  return { headers, key, value: bytes(record.message, record.encoding) };
}

function bytes(text, encoding) {
  return text === null ? null : Buffer.from(text, encoding ?? "utf8");
}

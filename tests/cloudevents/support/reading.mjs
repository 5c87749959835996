// Events as three readers see them, each in the same form: `attributes` are texts by their
// names, in the canonical form of CloudEvents; `data` is undefined, `{ json }` or `{ base64 }`.

import { equal } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Kafka } from "cloudevents";

const STRUCTURED = "application/cloudevents+json; charset=UTF-8";

export const isJson = (type) => /^[^;]*[/+]json\s*(;|$)/i.test(type);
const data = (type, bytes) =>
  isJson(type ?? "") ? { json: JSON.parse(bytes.toString()) } : { base64: bytes.toString("base64") };

// By the text of the Kafka binding alone (sections 3.2 and 3.3).
export function readPlainly({ headers, value }) {
  if (headers["content-type"]?.startsWith("application/cloudevents")) {
    equal(headers["content-type"], STRUCTURED);
    equal(Object.keys(headers).filter((name) => name.startsWith("ce_")).length, 0);
    const { data: inJson, data_base64: base64, ...attributes } = JSON.parse(value.toString());
    const event = { attributes: texts(attributes) };
    if (base64 !== undefined) event.data = data(attributes.datacontenttype, Buffer.from(base64, "base64"));
    else if (inJson !== undefined) event.data = { json: inJson };
    return event;
  }
  const attributes = {};
  for (const [name, text] of Object.entries(headers)) {
    if (name === "content-type") attributes.datacontenttype = text;
    else if (name.startsWith("ce_")) attributes[name.slice(3)] = text;
  }
  const event = { attributes };
  if (value !== null) event.data = data(attributes.datacontenttype, value);
  return event;
}

// By npm's cloudevents. It wants headers in text, and a structured event too.
export function readByJavaScript({ headers, key, value }) {
  const structured = headers["content-type"]?.startsWith("application/cloudevents");
  const message = {
    headers,
    key: key?.toString(),
    value: structured ? value.toString() : value,
  };
  const { data: found, data_base64: base64, ...attributes } = Kafka.toEvent(message);
  const event = { attributes: texts(attributes) };
  const type = attributes.datacontenttype;
  if (base64 !== undefined) event.data = data(type, Buffer.from(base64, "base64"));
  else if (typeof found === "string" && !isJson(type)) event.data = data(type, Buffer.from(found));
  else if (found !== undefined) event.data = { json: found };
  return event;
}

// By PyPI's cloudevents, all records in one run.
export function readByPython(python, records) {
  const lines = records.map(({ headers, key, value }) => ({
    headers,
    key: key?.toString("base64") ?? null,
    value: value?.toString("base64") ?? null,
  }));
  return callPython(python, "read", lines).map(({ attributes, json, base64 }) => {
    const event = { attributes };
    if (base64 !== undefined) event.data = { base64 };
    else if (json !== undefined) event.data = { json };
    return event;
  });
}

export function callPython(python, task, input) {
  const program = fileURLToPath(new URL("../python/events.py", import.meta.url));
  return JSON.parse(execFileSync(python, ["-B", program, task], { input: JSON.stringify(input) }));
}

function texts(attributes) {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

// The events that make the round trips, and how the SDKs send them over HTTP.

import { CloudEvent, HTTP } from "cloudevents";

import { callPython } from "./reading.mjs";

const event = (name, more, data = {}) => {
  const attributes = { specversion: "1.0", id: `id of ${name}`, source: "/tests", type: "com.example.test" };
  return { name, attributes: { ...attributes, time: "2026-11-29T08:00:00.125Z", ...more }, ...data };
};
const json = "application/json";

// `json`, `text` and `bytes` (in base64) are the data, as a program would give it to an SDK.
export const EVENTS = [
  event("JSON", { datacontenttype: json }, { json: { message: "Hello", list: [1, null, "ü\u2028"] } }),
  event("JSON of a vendor", { datacontenttype: "application/vnd.x+json; charset=utf-8" }, { json: { a: {} } }),
  event("no data", {}),
  event("text", { datacontenttype: "text/plain; charset=utf-8" }, { text: "a\n\"ü\" 😀" }),
  event("text that could be JSON", { datacontenttype: "text/plain" }, { text: "5" }),
  event("XML", { datacontenttype: "application/xml" }, { text: '<much wow="xml"/>' }),
  event("binary data", { datacontenttype: "application/octet-stream" }, { bytes: "/wAKIsMo" }),
  event("data without a type", {}, { bytes: "/wAKIsMo" }),
  event("all attributes", {
    ...{ datacontenttype: json, dataschema: "https://example.com/s?a=b#c", subject: "orders/7 of \"a\"" },
    ...{ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", sequence: "00001" },
  }, { json: [] }),
  event("attributes beyond ASCII", { subject: "Zürich 😀 100% 東京", city: "Ærø", datacontenttype: json }, { json: 1.5 }),
  event("a partition key", { partitionkey: "schlüssel", datacontenttype: json }, { json: {} }),
  event("a truth value", { flag: true, datacontenttype: json }, { json: {} }),
  event("an integer", { count: -7, datacontenttype: json }, { json: {} }),
];

// What each SDK makes of each event: `{ sender, mode, event, message }`.
export function writtenByJavaScript() {
  // In binary mode the package calls all data JSON that have no type.
  const isTyped = ({ attributes, bytes }) => attributes.datacontenttype || bytes === undefined;
  return EVENTS.filter(isTyped).flatMap((wanted) => {
    const { attributes, json, text, bytes } = wanted;
    const given = bytes === undefined ? json ?? text : new Uint8Array(Buffer.from(bytes, "base64"));
    const event = new CloudEvent({ ...attributes, data: given });
    return ["binary", "structured"].map((mode) => {
      const message = HTTP[mode](event);
      // Numbers stay numbers, for which HTTP has no form but JSON's.
      if (typeof message.body === "number") message.body = JSON.stringify(message.body);
      return { sender: "npm", mode, event: wanted, message };
    });
  });
}

export function writtenByPython(python) {
  return callPython(python, "write", EVENTS).flatMap((messages, index) =>
    Object.entries(messages).map(([mode, { headers, body }]) => {
      const message = { headers, body: Buffer.from(body, "base64") };
      return { sender: "PyPI", mode, event: EVENTS[index], message };
    }),
  );
}

// PyPI's package writes microseconds, npm's milliseconds.
export const timeSent = ({ sender, event: { attributes } }) =>
  sender === "PyPI" ? attributes.time.replace("Z", "000Z") : attributes.time;

// The event that has to come out at the other end.
export function expected({ sender, mode, event, message }, time = event.attributes.time) {
  const attributes = Object.fromEntries(
    Object.entries(event.attributes).map(([name, value]) => [name, String(value)]),
  );
  attributes.time = time;
  // npm's package states a type in binary mode for an event that has none.
  if (mode === "binary" && message.headers["content-type"]) {
    attributes.datacontenttype = message.headers["content-type"];
  }
  // PyPI's writes Python's name of it into a header, where the spec has `true`.
  if (sender === "PyPI" && mode === "binary" && attributes.flag) attributes.flag = "True";
  const { json, text, bytes } = event;
  if (json !== undefined) return { attributes, data: { json } };
  if (text !== undefined) return { attributes, data: { base64: Buffer.from(text).toString("base64") } };
  if (bytes !== undefined) return { attributes, data: { base64: bytes } };
  return { attributes };
}

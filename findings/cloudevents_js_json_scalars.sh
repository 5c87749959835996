#!/usr/bin/env bash
# npm cloudevents 10.0.0.
#
# A good engineer would guess: data of the type `application/json` is any JSON value, and comes
#   out of `HTTP.toEvent` as it went in, whatever the value and the mode are.
# What really happens: that holds for objects and arrays, as all examples have them. Of a
#   structured event, `HTTP.toEvent` loses `false`, 0 and "" and the member `data` with them.
#   `Kafka.toEvent` and `HTTP.toEvent` of a batch keep them. In binary mode each number and
#   boolean is read as a text, and `HTTP.binary` writes texts without quotes: the text "2024"
#   becomes the number, and "hello" a body that is no JSON.
# Why it matters: a flag, a counter or a state as the whole of the data is usual in telemetry, and
#   the zero is the value that gets lost. A forwarder that changes the mode changes types, or
#   sends what the next reader refuses. An object around the value keeps it.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import cloudevents from "cloudevents";

const { HTTP, Kafka } = cloudevents;
const { version } = JSON.parse(readFileSync("node_modules/cloudevents/package.json"));
console.log(`npm cloudevents ${version}, Node ${process.version}`);

const TIME = "2026-11-30T08:00:00Z";
const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t", time: TIME };
const whole = (data) => ({ ...attributes, datacontenttype: "application/json", data });
const text = (value) => (value === undefined ? "nothing" : JSON.stringify(value));
const structured = (data) => ({ headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(whole(data)) });
const binary = (data) => {
  const headers = { "content-type": "application/json" };
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = value;
  return { headers, body: JSON.stringify(data) };
};
const READERS = {
  "HTTP, structured": (data) => text(HTTP.toEvent(structured(data)).data),
  "HTTP, batch": (data) => {
    const headers = { "content-type": "application/cloudevents-batch+json" };
    return text(HTTP.toEvent({ headers, body: JSON.stringify([whole(data)]) })[0].data);
  },
  "Kafka, structured": (data) => {
    const { headers, body } = structured(data);
    return text(Kafka.toEvent({ headers, value: body }).data);
  },
  "HTTP, binary": (data) => text(HTTP.toEvent(binary(data)).data),
  "structured to binary": (data) => HTTP.binary(HTTP.toEvent(structured(data))).body ?? "nothing",
  "binary to structured": (data) => text(JSON.parse(HTTP.structured(HTTP.toEvent(binary(data))).body).data),
};
const STATED = [
  [{ a: 1 }, '{"a":1}', '{"a":1}', '{"a":1}', '{"a":1}', '{"a":1}', '{"a":1}'],
  [false, "nothing", "false", "false", '"false"', "nothing", '"false"'],
  [0, "nothing", "0", "0", '"0"', "nothing", '"0"'],
  ["", "nothing", '""', '""', '""', "nothing", '""'],
  [7, "7", "7", "7", '"7"', "7", '"7"'],
  ["2024", '"2024"', '"2024"', '"2024"', '"2024"', "2024", '"2024"'],
  ["hello", '"hello"', '"hello"', '"hello"', '"hello"', "hello", '"hello"'],
];
for (const [data, ...stated] of STATED) {
  const seen = Object.entries(READERS).map(([name, read]) => [name, String(read(data))]);
  console.log(`${JSON.stringify(data)} is read as ${seen.map(([name, value]) => `${value} (${name})`).join(", ")}.`);
  if (seen.every(([, value], index) => value === stated[index])) continue;
  console.log("That is not as stated any more.");
  process.exit(1);
}
JS
node finding.mjs

#!/usr/bin/env bash
# npm cloudevents 10.0.0.
#
# A good engineer would guess: an event with binary data, read by `HTTP.toEvent` and sent on
#   by `HTTP.binary`, has the same bytes as its body, because `data` is a typed array and
#   the binding writes typed arrays as they are.
# What really happens: out of `data_base64`, `HTTP.toEvent` makes a Uint32Array with a byte
#   in each element. `fetch` sends the memory of a typed array, so that each byte arrives as
#   four. `Kafka.toEvent` makes a Uint8Array of the same event, and `HTTP.structured` writes
#   the right base64, so nothing shows until the modes change on the way.
# Why it matters: a forwarder from structured to binary mode damages all binary data
#   silently: an image, an Avro record, a signature.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import cloudevents from "cloudevents";

const { CloudEvent, HTTP, Kafka } = cloudevents;
const { version } = JSON.parse(readFileSync("node_modules/cloudevents/package.json"));
console.log(`npm cloudevents ${version}, Node ${process.version}`);

const server = createServer(async (request, answer) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  answer.end(Buffer.concat(pieces).toString("hex"));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const received = async ({ headers, body }) => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  return (await fetch(url, { method: "POST", headers, body })).text();
};

const data = new Uint8Array([0xca, 0xfe, 0x01]);
const event = new CloudEvent({ source: "/s", type: "t", datacontenttype: "image/png", data });
const structured = HTTP.structured(event);
const read = HTTP.toEvent(structured);
const ofKafka = Kafka.toEvent({ headers: structured.headers, value: structured.body });
const CASES = [
  ["the event as it was made, in binary mode", HTTP.binary(event), "cafe01"],
  ["read by Kafka.toEvent, in binary mode", HTTP.binary(ofKafka), "cafe01"],
  ["read by HTTP.toEvent, in binary mode", HTTP.binary(read), "ca000000fe00000001000000"],
];
let asStated = read.data instanceof Uint32Array;
for (const [name, message, stated] of CASES) {
  const body = await received(message);
  console.log(`${name}: ${body}`);
  asStated &&= body === stated;
}
const again = JSON.parse(HTTP.structured(read).body).data_base64;
console.log(`read by HTTP.toEvent, in structured mode: data_base64 ${again}`);
asStated &&= again === "yv4B";
server.close();
if (!asStated) {
  console.log("That is not as stated any more.");
  process.exit(1);
}
process.exit(0);
JS
node finding.mjs

#!/usr/bin/env bash
# npm eventsource 4.1.1 (the newest for Node 20).
#
# A good engineer would guess: 503 with Retry-After means "later", so the client comes
#   back; a server that refuses connections is worse news, so the client gives up sooner.
# What really happens: it is the other way round. One 503 closes the client for good,
#   and Retry-After is not read. Refused connections are tried again until one succeeds,
#   in the interval that the stream's `retry` set. The HTML standard asks for both.
# Why it matters: a gateway that answers 503 while it starts, drains or has lost its
#   upstream ends its clients' streams for ever. It keeps them if it accepts with 200
#   and ends the stream, or does not accept at all.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts eventsource@4.1.1 eventsource-parser@3.1.1
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";

const { version } = JSON.parse(readFileSync("node_modules/eventsource/package.json"));
console.log(`npm eventsource ${version}, Node ${process.version}`);

const check = (holds, sentence) => {
  if (holds) return;
  console.log(sentence);
  process.exit(1);
};
setTimeout(() => check(false, "The client did not get there within 30 seconds."), 30_000);

const stream = (answer) => {
  answer.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  answer.end("retry: 50\ndata: hello\n\n");
};
const serve = (handle, port = 0) =>
  new Promise((resolve) => {
    const server = createServer(handle).listen(port, "127.0.0.1", () => resolve(server));
  });
const open = (server) => new EventSource(`http://127.0.0.1:${server.address().port}/`);
const next = (source, name) =>
  new Promise((resolve) => source.addEventListener(name, resolve, { once: true }));

// The stream sets the interval; the second request is answered by 503, any other by 200.
let requests = 0;
const busy = await serve((_, answer) => {
  requests += 1;
  if (requests !== 2) return stream(answer);
  answer.writeHead(503, { "retry-after": "1", connection: "close" }).end();
});
const first = open(busy);
let code;
while (code !== 503) ({ code } = await next(first, "error"));
await sleep(2000);
console.log(`Two seconds after 503: readyState ${first.readyState}, ${requests} requests.`);
check(first.readyState === EventSource.CLOSED, "The client is not closed by 503 any more.");
check(requests === 2, "The client comes back after 503 now.");

// The second server goes away after one stream, and is back after ten refusals.
const before = await serve((_, answer) => stream(answer));
const second = open(before);
await next(second, "message");
const { port } = before.address();
await new Promise((resolve) => before.close(resolve));
const left = Date.now();
for (let refusals = 0; refusals < 10; ) {
  const { message } = await next(second, "error");
  if (/ECONNREFUSED/.test(message)) refusals += 1;
}
const waited = Date.now() - left;
check(second.readyState === EventSource.CONNECTING, "The client gives up a refused connection now.");
await serve((_, answer) => stream(answer), port);
const { data } = await next(second, "message");
console.log(`Ten refusals in ${waited} ms, then a server: the client is back and has read "${data}".`);
check(waited < 10_000, "The client does not keep to the interval of the stream any more.");
process.exit(0);
JS
node finding.mjs

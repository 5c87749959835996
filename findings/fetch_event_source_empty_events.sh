#!/usr/bin/env bash
# npm @microsoft/fetch-event-source 2.0.1.
#
# A good engineer would guess: a block of lines without `data` reaches no program, since
#   the HTML standard says so and the library says that it is compatible.
# What really happens: each blank line calls `onmessage`. A heartbeat that is a comment
#   and a blank line, and a block with only `id` or `retry`, arrive as events whose data
#   is empty. A comment that no blank line follows does not.
# Why it matters: a gateway's heartbeat runs into `JSON.parse("")` in the page. A gateway
#   that sends the comment with one line end keeps the connection alive just as well,
#   and an `id` or `retry` of its own can stand in front of the next event.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/fetch-event-source@2.0.1
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// The library asks for these, because it is written for pages.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const name = "@microsoft/fetch-event-source";
const { fetchEventSource } = createRequire(import.meta.url)(name);
const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
console.log(`npm ${name} ${version}, Node ${process.version}`);

const fail = (sentence) => {
  console.log(sentence);
  process.exit(1);
};
setTimeout(() => fail("The client did not get there within 30 seconds."), 30_000);

let body;
const server = createServer((_, answer) => {
  answer.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  answer.end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const STATED = [
  [":\n\n", [""]],
  ["id: 1\n\n", [""]],
  ["retry: 2000\n\n", [""]],
  [":\n", []],
  ["data: a\n\n:\n\ndata: b\n\n", ["a", "", "b"]],
  ["data: a\n\n:\nretry: 2000\nid: 2\ndata: b\n\n", ["a", "b"]],
];
for (const [stream, stated] of STATED) {
  body = stream;
  const seen = [];
  await fetchEventSource(url, { onmessage: ({ data }) => seen.push(data) });
  console.log(`The stream ${JSON.stringify(stream)} shows the data ${JSON.stringify(seen)}.`);
  const as = JSON.stringify(seen) === JSON.stringify(stated);
  if (!as) fail(`That is not ${JSON.stringify(stated)} any more.`);
}
process.exit(0);
JS
node finding.mjs

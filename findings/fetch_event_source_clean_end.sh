#!/usr/bin/env bash
# npm @microsoft/fetch-event-source 2.0.1.
#
# A good engineer would guess: the client reconnects whenever its stream ends, as a
#   browser's EventSource does, in the interval that the stream's `retry` set.
# What really happens: it reconnects after a broken connection. After a stream that ended
#   properly its promise resolves, and it stays away; `retry` and ids change nothing. Only
#   a program that throws in `onclose` makes it come back. The front page shows that in an
#   example, and does not say what happens without it.
# Why it matters: many gateways end a stream after some time and count on the client to
#   resume. This client then is silently without events. A gateway cannot tell it to come
#   back, except by breaking the connection instead of ending the body.
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
import { setTimeout as sleep } from "node:timers/promises";

// The library asks for these, because it is written for pages.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const name = "@microsoft/fetch-event-source";
const { fetchEventSource } = createRequire(import.meta.url)(name);
const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
console.log(`npm ${name} ${version}, Node ${process.version}`);

const check = (holds, sentence) => {
  if (holds) return;
  console.log(sentence);
  process.exit(1);
};
setTimeout(() => check(false, "The client did not get there within 30 seconds."), 30_000);

// Answers each request with one event. `broken` says which ones end without the last
// chunk of the body.
async function run(broken, onclose) {
  const resumed = [];
  const server = createServer((request, answer) => {
    resumed.push(request.headers["last-event-id"] ?? "none");
    const number = resumed.length;
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write(`retry: 50\nid: ${number}\ndata: hello\n\n`, () =>
      setTimeout(() => (broken(number) ? answer.destroy() : answer.end()), 100),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await fetchEventSource(`http://127.0.0.1:${server.address().port}/`, {
    onclose: () => onclose?.(resumed.length),
  });
  // This is twenty times the interval.
  await sleep(1000);
  return resumed;
}

const clean = await run(() => false);
console.log(`After a clean end: the promise has resolved, and there was ${clean.length} request.`);
check(clean.length === 1, "The client reconnects after a clean end now.");

const cut = await run((number) => number < 3);
console.log(`Two broken streams and a clean end: ${cut.length} requests, Last-Event-ID ${cut.join(", ")}.`);
check(cut.join() === "none,1,2", "The client does not resume each broken stream any more.");

const thrown = await run(() => false, (number) => {
  if (number < 3) throw new Error("come back");
});
console.log(`Clean ends, two of them with a throw in onclose: ${thrown.length} requests.`);
check(thrown.length === 3, "A throw in onclose does not make the client reconnect any more.");
process.exit(0);
JS
node finding.mjs

#!/usr/bin/env bash
# npm event-source-polyfill 1.0.31.
#
# A good engineer would guess: a silent stream stays open as long as the connection does,
#   as in a browser, and a line with a field that the HTML standard does not name is
#   ignored.
# What really happens: the client gives up a stream without a byte in `heartbeatTimeout`
#   milliseconds (an option, 45 000 by default, at least 1000) and opens another one. The
#   stream itself can set that time by a line `heartbeatTimeout: N`. The front page asks
#   for a comment each 15 to 30 seconds, but names neither the option nor the line.
# Why it matters: with a gateway whose heartbeats are further apart, quiet streams are
#   opened again and again, each with an error in the page. A gateway that cannot send
#   more of them can send that line once; it does not need a change to the page.
# Verified on 2026-11-29, with short times. The default was measured once, not here.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts event-source-polyfill@1.0.31
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const { EventSourcePolyfill } = createRequire(import.meta.url)("event-source-polyfill");
const { version } = JSON.parse(readFileSync("node_modules/event-source-polyfill/package.json"));
console.log(`npm event-source-polyfill ${version}, Node ${process.version}`);
// The client writes its own errors there.
console.error = () => {};

// Returns how many requests came in five seconds, and how many errors the page saw.
async function run(start, every, options) {
  let requests = 0;
  const server = createServer((_, answer) => {
    requests += 1;
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write(start);
    const timer = every && setInterval(() => answer.write(":\n"), every);
    answer.on("close", () => clearInterval(timer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  let errors = 0;
  const source = new EventSourcePolyfill(`http://127.0.0.1:${server.address().port}/`, options);
  source.addEventListener("error", () => (errors += 1));
  await sleep(5000);
  source.close();
  return { requests, errors };
}

const HELLO = "id: 1\ndata: hello\n\n";
const option = { heartbeatTimeout: 1000 };
const CASES = [
  ["silent, no option", HELLO, 0, {}, false],
  ["silent, option of one second", HELLO, 0, option, true],
  ["a comment each 300 ms, option of one second", HELLO, 300, option, false],
  ["silent, the stream says one second", `heartbeatTimeout: 1000\n${HELLO}`, 0, {}, true],
  ["silent, option of one second, the stream says 20", `heartbeatTimeout: 20000\n${HELLO}`, 0, option, false],
];
const seen = await Promise.all(CASES.map(([, ...call]) => run(...call)));
CASES.forEach(([name, , , , again], index) => {
  const { requests, errors } = seen[index];
  console.log(`In five seconds (${name}): ${requests} requests, ${errors} errors.`);
  if (again ? requests > 1 && errors > 0 : requests === 1 && errors === 0) return;
  console.log("That is not as stated any more.");
  process.exit(1);
});
process.exit(0);
JS
node finding.mjs

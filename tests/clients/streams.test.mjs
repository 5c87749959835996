// What clients of server-sent events show to their programs: the records, and
// nothing else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openRaw, produce } from "./support/calls.mjs";
import * as clients from "./support/event_sources.mjs";
import { startGateway } from "./support/gateway.mjs";
import { httpxPython } from "./support/tools.mjs";
import { Inbox } from "./support/waiting.mjs";

const python = httpxPython();
const CLIENTS = {
  "npm eventsource": clients.openEventSource,
  "npm event-source-polyfill": clients.openPolyfill,
  "npm @microsoft/fetch-event-source": clients.openFetchEventSource,
  ...(python.path && { "PyPI httpx-sse": clients.openHttpxSse(python.path) }),
};

const MESSAGES = ["one", "two\nlines: ünïcode\u2028", "after the heartbeat"];

describe("server-sent events", () => {
  let gateway, raw;
  const opened = [];
  const seen = new Map();

  // One heartbeat is waited for, so that all clients meet it at the same time.
  before(async () => {
    gateway = await startGateway({ topics: { events: 1 } });
    const url = `${gateway.url}/consumer/events?from=earliest`;
    for (const message of MESSAGES.slice(0, 2)) await produce(gateway.url, "events", message);
    for (const [name, open] of Object.entries(CLIENTS)) {
      const inbox = new Inbox();
      seen.set(name, inbox);
      opened.push(open(url, inbox.put));
    }
    // A client that never gets there is reported by its own test.
    const all = (count) => {
      const has = (events) => records(events).length >= count;
      const each = [...seen.values()].map((inbox) => inbox.until(`${count} records`, has, 10));
      return Promise.allSettled(each);
    };
    await all(2);
    const pieces = new Inbox();
    opened.push(await openRaw(url, "text/event-stream", pieces.put));
    raw = () => pieces.items.join("");
    // This stream was opened last, so its heartbeat comes last.
    await pieces.until("a heartbeat", () => /^:\n/m.test(afterRecords(raw())), 25);
    await produce(gateway.url, "events", MESSAGES[2]);
    await pieces.until("the last record", () => raw().includes(MESSAGES[2]));
    await all(3);
  });
  after(async () => {
    for (const { close } of opened) await close();
    await gateway?.stop();
  });

  for (const name of Object.keys(CLIENTS)) {
    test(`${name} shows exactly the records`, () => {
      const events = seen.get(name).items;
      const types = events.map((event) => event.type);
      const messages = events.map((event) => message(event) ?? event);
      assert.deepEqual(messages, MESSAGES);
      assert.deepEqual(types, MESSAGES.map(() => "message"));
      const ids = new Set(events.map((event) => event.id));
      assert.ok(ids.size === MESSAGES.length && !ids.has(""), "each event has its own id");
    });
  }
  if (!python.path) test("PyPI httpx-sse shows exactly the records", python.options, () => {});

  test("only records end with a blank line", () => {
    const blocks = raw().split("\n\n");
    assert.equal(blocks.pop(), "", "the stream is between two records");
    const shapes = [
      /^retry: 2000\n(:[^\n]*\n)*id: \S+\nid: \S+\ndata: \{[^\n]*\}$/,
      /^id: \S+\ndata: \{[^\n]*\}$/,
      /^(:\n)+id: \S+\ndata: \{[^\n]*\}$/,
    ];
    assert.equal(blocks.length, shapes.length, raw());
    blocks.forEach((block, index) => assert.match(block, shapes[index]));
  });
});

// The message of an event that is a record.
function message(event) {
  try {
    return JSON.parse(event.data).message;
  } catch {
    return undefined;
  }
}

const records = (events) => events.filter((event) => message(event) !== undefined);

const afterRecords = (text) => text.slice(text.lastIndexOf("data: "));

// The clients of server-sent events that people use, each behind the same function:
// it opens a stream, hands over every event that the client shows to its program,
// and returns what closes the stream.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { EventSource } from "eventsource";

import { start } from "./program.mjs";

const require = createRequire(import.meta.url);

// npm's eventsource. Its stream shows an error by the event `error`.
export function openEventSource(url, onEvent) {
  const source = new EventSource(url);
  const show = ({ type, data, lastEventId: id }) => onEvent({ type, data, id });
  source.addEventListener("message", show);
  // The client's own errors have no data; an event of that name from the gateway has.
  source.addEventListener("error", (event) => event instanceof MessageEvent && show(event));
  return { source, close: () => source.close() };
}

// npm's event-source-polyfill.
export function openPolyfill(url, onEvent) {
  const { EventSourcePolyfill } = require("event-source-polyfill");
  const source = new EventSourcePolyfill(url);
  const show = ({ type, data, lastEventId: id }) => onEvent({ type, data, id });
  source.addEventListener("message", show);
  source.addEventListener("error", (event) => event.data !== undefined && show(event));
  return { source, close: () => source.close() };
}

// npm's @microsoft/fetch-event-source, which is written for pages.
export function openFetchEventSource(url, onEvent) {
  const { fetchEventSource } = require("@microsoft/fetch-event-source");
  const controller = new AbortController();
  asInPage(() =>
    fetchEventSource(url, {
      signal: controller.signal,
      onmessage: ({ event, data, id }) => onEvent({ type: event || "message", data, id }),
    }),
  );
  return { close: () => asInPage(() => controller.abort()) };
}

// Python's httpx-sse.
export const openHttpxSse = (python) => (url, onEvent) => {
  const program = fileURLToPath(new URL("../httpx_sse/read.py", import.meta.url));
  const onLine = (line) => onEvent(JSON.parse(line));
  return { close: start(python, [program, url], { onLine }).stop };
};

// The client asks for these while it starts and while it ends. They are not left
// there: npm's eventsource takes a `window` as a sign that it runs in a page.
function asInPage(call) {
  globalThis.window = globalThis;
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  try {
    return call();
  } finally {
    delete globalThis.window;
    delete globalThis.document;
  }
}

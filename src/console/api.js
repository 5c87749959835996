// The calls of the gateway, with the credential of who looks at the page.

// Below a base path, too.
const BASE = new URL("..", import.meta.url);
const KEPT = "kafka-edge";
const AGAIN = 2000;

export class Refused extends Error {
  constructor(status, error, detail) {
    super(detail ? `${error} (${detail})` : error);
    this.status = status;
  }
}

// `null` is without a credential, `browser` with what the browser's own dialogue asks
// for, and all else is a value of the header `authorization`. It is kept for the tab.
let access = sessionStorage.getItem(KEPT);
let leave = () => {};

export const signedIn = () => access !== null;

export function signInWith(value) {
  access = value;
  if (value === null) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, value);
}

// What to do when the gateway does not know the credential any more.
export const whenUnknown = (then) => (leave = then);

export function authorization(name, secret) {
  if (!name) return `Bearer ${secret}`;
  const bytes = new TextEncoder().encode(`${name}:${secret}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function send(path, options = {}) {
  const headers = new Headers(options.headers);
  // With a header of ours the browser must not ask on its own.
  if (access && access !== "browser") headers.set("authorization", access);
  const credentials = access === "browser" ? "same-origin" : "omit";
  return fetch(new URL(path, BASE), { cache: "no-store", ...options, headers, credentials });
}

async function checked(answer) {
  if (answer.ok) return answer;
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // Something else than the gateway has answered.
  }
  const refused = new Refused(answer.status, said.error ?? `HTTP ${answer.status}`, said.detail);
  if (answer.status === 401) leave(refused);
  throw refused;
}

// The answer to a call.
export async function ask(method, path, body, options = {}) {
  const said = await askText(method, path, body, options);
  return said ? JSON.parse(said) : null;
}

// The same as it came: in it, numbers have all their digits.
export async function askText(method, path, body, options = {}) {
  const headers = { ...options.headers };
  if (body !== undefined) headers["content-type"] ??= "application/json";
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await checked(await send(path, { method, headers, body: text, signal: options.signal }));
  return answer.text();
}

export const get = (path, options) => ask("GET", path, undefined, options);

// A part of a path. The gateway decodes it.
export const part = (text) => encodeURIComponent(text);

// Reads a stream of server-sent events until `signal` says so. `EventSource` could not
// send the header. Each event goes to `onEvent`, with its name, its data and its size.
export async function follow(path, signal, onEvent, onState) {
  let last;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream" };
      if (last) headers["last-event-id"] = last;
      const answer = await checked(await send(path, { headers, signal }));
      onState("live");
      await read(answer.body, (event) => {
        last = event.id ?? last;
        onEvent(event);
      });
    } catch (error) {
      if (signal.aborted) return;
      // What the gateway refuses it will refuse again.
      if (error instanceof Refused && error.status < 500) throw error;
      onState("waiting", error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

async function read(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { name: "message", data: undefined, id: undefined };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data !== undefined) onEvent(event);
        event = { name: "message", data: undefined, id: event.id };
      } else if (line.startsWith("data: ")) {
        event.data = event.data === undefined ? line.slice(6) : `${event.data}\n${line.slice(6)}`;
      } else if (line.startsWith("id: ")) event.id = line.slice(4);
      else if (line.startsWith("event: ")) event.name = line.slice(7);
    }
  }
}

// The calls of the gateway that the tests make plainly, without a client under test.

import { ok } from "node:assert/strict";
import { request } from "node:http";

// Writes a message; returns the report.
export async function produce(url, topic, message, partition) {
  const query = partition === undefined ? "" : `?partition=${partition}`;
  const answer = await fetch(`${url}/producer/${topic}${query}`, { method: "POST", body: message });
  const text = await answer.text();
  ok(answer.ok, `${answer.status} ${text}`);
  return JSON.parse(text);
}

// The next record of a group; null if there is none within two seconds.
export async function consume(url, topic, group) {
  const answer = await fetch(`${url}/consumer/${topic}?group=${group}&wait=2`);
  const text = await answer.text();
  ok(answer.ok, `${answer.status} ${text}`);
  const record = JSON.parse(text);
  return record.offset === null ? null : record;
}

// Opens a stream with no client at all: each piece of the body goes to `onText`.
// `where` is a URL, or how node:http names another place.
export function openRaw(where, accept, onText) {
  return new Promise((resolve, reject) => {
    const call = typeof where === "string" ? request(where) : request(where);
    call.setHeader("accept", accept);
    call.once("error", reject);
    call.once("response", (answer) => {
      answer.setEncoding("utf8");
      answer.on("data", onText);
      answer.on("error", () => {});
      resolve({ status: answer.statusCode, headers: answer.headers, close: () => call.destroy() });
    });
    call.end();
  });
}

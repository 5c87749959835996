// Bodies that a client has compressed are stored as they were before.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

import { startGateway } from "./support/gateway.mjs";

const TEXT = "again and ".repeat(20);

describe("a compressed body", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ topics: { gzip: 1, deflate: 1, br: 1, lines: 1, transfer: 1 } });
  });
  after(() => gateway?.stop());

  const send = (topic, encoding, body, type = "text/plain") =>
    fetch(`${gateway.url}/producer/${topic}`, {
      method: "POST",
      headers: { "content-type": type, "content-encoding": encoding },
      body,
    });

  const messages = async (topic) => {
    const answer = await fetch(`${gateway.url}/topics/${topic}/partitions/0/records`);
    return (await answer.json()).records.map(({ message }) => message);
  };

  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ]) {
    test(`by ${encoding} is stored decoded`, async () => {
      const answer = await send(encoding, encoding, compress(TEXT));
      assert.equal(answer.status, 200, await answer.text());
      assert.deepEqual(await messages(encoding), [TEXT]);
    });
  }

  test("of lines becomes a record for each line", async () => {
    const lines = '{"value":"one"}\n{"value":"two"}\n';
    const answer = await send("lines", "gzip", gzipSync(lines), "application/x-ndjson");
    assert.equal(answer.status, 200, await answer.text());
    assert.deepEqual(await messages("lines"), ["one", "two"]);
  });

  // No library sends this, so it is written by hand.
  const transferred = (encoding, body) =>
    new Promise((resolve, reject) => {
      const socket = connect(new URL(gateway.url).port, "127.0.0.1");
      let answer = "";
      socket.on("data", (data) => (answer += data)).on("end", () => resolve(answer));
      socket.on("error", reject);
      const head = ["POST /producer/transfer HTTP/1.1", "host: gateway", "connection: close"];
      head.push(`transfer-encoding: ${encoding}, chunked`, "", body.length.toString(16), "");
      socket.write(Buffer.concat([Buffer.from(head.join("\r\n")), body, Buffer.from("\r\n0\r\n\r\n")]));
    });

  test("that is compressed for the transfer is decoded or refused, too", async () => {
    assert.match(await transferred("gzip", gzipSync(TEXT)), /^HTTP\/1\.1 200 /);
    assert.deepEqual(await messages("transfer"), [TEXT]);
    assert.match(await transferred("br", brotliCompressSync(TEXT)), /^HTTP\/1\.1 415 /);
    assert.deepEqual(await messages("transfer"), [TEXT]);
  });

  test("by brotli is refused, and the answer says what is taken", async () => {
    const answer = await send("br", "br", brotliCompressSync(TEXT));
    assert.equal(answer.status, 415, await answer.text());
    assert.match(answer.headers.get("accept-encoding") ?? "", /gzip/);
    assert.deepEqual(await messages("br"), []);
  });
});

// Each page of docs/wit is pasted into an empty folder, and what came of it is a mailbox with
// Kafka behind it: what it answers is compared with the page, and with what Kafka holds.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { startGateway } from "../clients/support/gateway.mjs";
import { recordsOf } from "./support/kafka.mjs";
import { LANGUAGES, missing } from "./support/languages.mjs";
import { readPage, ROOT } from "./support/page.mjs";
import { emptyFolder, paste, remove } from "./support/pasted.mjs";

const TOPIC = "test-topic";
const PARTITIONS = 3;
// The pages have built it.
const GATEWAY = `${ROOT}target/wasm32-wasip2/component/kafka_edge_spin.wasm`;
const wanted = (process.env.LANGUAGES ?? "").split(" ").filter(Boolean);

for (const name of wanted) {
  assert.ok(LANGUAGES.some((language) => language.name === name), `there is no language ${name}`);
}
for (const language of LANGUAGES) {
  if (wanted.length > 0 && !wanted.includes(language.name)) continue;
  const lacks = missing(language);
  if (lacks.length > 0) console.log(`skipped: docs/wit/${language.name}.md, which needs ${lacks}`);
  const skip = lacks.length > 0 && `${lacks} is not installed`;
  describe(`docs/wit/${language.name}.md`, { skip }, () => mailbox(language));
}

function mailbox({ name, follows }) {
  const page = readPage(name);
  let folder, running;
  before(async () => {
    folder = emptyFolder();
    running = await paste(page.commands, folder);
  });
  after(async () => {
    await running?.stop();
    remove(folder);
  });
  const call = async (path, body) => {
    const answer = await fetch(`${running.url}/${path}`, body === undefined ? {} : { method: "POST", body });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  };

  test("its calls print what the page shows", async () => {
    assert.ok(page.calls.length > 0);
    for (const { command, printed } of page.calls) {
      const here = command.replaceAll("http://127.0.0.1:3000", running.url);
      const { stdout } = await promisify(execFile)("bash", ["-c", here]);
      assert.equal(placeless(stdout).trim(), placeless(printed).trim(), command);
    }
  });

  test("what it puts into Kafka is there, byte for byte", async () => {
    for (const value of MAIL) {
      const { status, body } = await call(TOPIC, value);
      assert.equal(status, 201, String(body));
      const records = await recordsOf(running.kafka, TOPIC, PARTITIONS);
      assert.deepEqual(records.get(String(body).trim()), value);
    }
  });

  test("what it takes is what Kafka holds, each record once", async () => {
    const taken = [];
    for (const _ of MAIL) {
      const { status, body } = await call(TOPIC);
      assert.equal(status, 200, String(body));
      taken.push(body);
    }
    assert.deepEqual(sorted(taken), sorted(MAIL));
    const { status, body } = await call(TOPIC);
    assert.deepEqual([status, String(body)], [404, "the mailbox is empty\n"]);
  });

  test("it tells one error from another", async () => {
    const unknown = await call("no-such-topic");
    assert.deepEqual([unknown.status, String(unknown.body)], [404, "there is no topic no-such-topic\n"]);
    const invalid = await call("no%20topic", "x");
    assert.equal(invalid.status, 400);
    assert.match(String(invalid.body), /^topic: \S/);
  });

  test("many calls one after another, and large ones, do it no harm", async () => {
    const large = Buffer.alloc(300_000, "large");
    for (let i = 0; i < 100; i += 1) {
      const put = await call("large", large);
      assert.equal(put.status, 201, String(put.body));
      const taken = await call("large");
      assert.deepEqual([taken.status, taken.body.equals(large)], [200, true], `call ${i}`);
    }
  });

  test("it follows a topic", { skip: follows === "not" && "its tool chain has no streams" }, async () => {
    const [old, news] = ["it was there before", "it came while somebody was following"];
    assert.equal((await call("followed", old)).status, 201);
    const path = follows === "a number" ? "followed/follow/2" : "followed/follow";
    const lines = linesOf(fetch(`${running.url}/${path}`), 2);
    assert.equal((await call("followed", news)).status, 201);
    assert.deepEqual(await lines, [old, news]);
  });

  test("the group is behind what it has acknowledged, which is all", async () => {
    const records = await recordsOf(running.kafka, TOPIC, PARTITIONS);
    await running.stop();
    running = undefined;
    const gateway = await startGateway({ dataDir: `${folder}/data`, component: GATEWAY });
    try {
      const group = await (await fetch(`${gateway.url}/groups/mailbox`)).json();
      const { partitions } = group.topics.find(({ topic }) => topic === TOPIC);
      const sum = (field) => partitions.reduce((total, partition) => total + partition[field], 0);
      const found = { committed: sum("committed"), claimed: sum("claimed"), lag: sum("lag") };
      assert.deepEqual(found, { committed: records.size, claimed: 0, lag: 0 });
    } finally {
      await gateway.stop();
    }
  });
}

// Texts, bytes that are no text, and nothing at all.
const MAIL = [Buffer.from("a first letter"), Buffer.from("Grüße\n\0"), Buffer.from([0xff, 0, 0xfe]), Buffer.alloc(0)];

const sorted = (values) => [...values].sort(Buffer.compare);
// Kafka chooses the partition of a record without a key.
const placeless = (text) => text.replace(/partition \d+, offset \d+/, "partition …, offset …");

// The lines of a body that may have no end, until there are so many.
async function linesOf(following, count) {
  const answer = await following;
  assert.equal(answer.status, 200);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    if (lines.length > count) return lines.slice(0, count);
  }
  return text.split("\n");
}

// The package, installed by the commands of its page, in a Node without any server but Kafka's.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startKafka } from "../../../tests/clients/support/gateway.mjs";
import { recordsOf } from "../../../tests/languages/support/kafka.mjs";
import { readPage, ROOT } from "../../../tests/languages/support/page.mjs";
import { emptyFolder, remove } from "../../../tests/languages/support/pasted.mjs";

const run = promisify(execFile);
const page = readPage("node");
const PARTITIONS = 3;
// 32 bytes, for what is stored encrypted.
const KEY = Buffer.alloc(32, "a key for tests").toString("base64");
let folder, kafka, address;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const environment = () => ({
  ...process.env,
  KAFKA_EDGE: ROOT.replace(/\/$/, ""),
  SPIN_VARIABLE_KAFKA_REST_URL: address,
  SPIN_VARIABLE_LOG_LEVEL: "error",
});
const bash = (script) => run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env: environment() });

before(async () => {
  folder = emptyFolder();
  kafka = await startKafka({ orders: 3, jobs: 3 });
  address = `http://127.0.0.1:${kafka.port}`;
  await bash(page.commands);
  for (const name of ["counting.mjs", "moving.mjs", "subscribing.mjs", "working.mjs", "writing.mjs"]) copyFileSync(here(name), join(folder, name));
});
after(async () => {
  await kafka?.stop();
  remove(folder);
});

test("the example prints what the page shows, and Kafka holds what it wrote", async () => {
  const placeless = (text) => text.replace(/partition \d+, offset \d+/g, "…");
  assert.equal(page.calls.length, 1);
  const [{ command, printed }] = page.calls;
  const { stdout } = await bash(command.replace("http://127.0.0.1:8082", address));
  const sorted = (text) => placeless(text.trim()).split("\n").sort();
  // Records of different partitions come in any order.
  assert.deepEqual(sorted(stdout), sorted(printed));
  const records = await recordsOf(address, "orders", PARTITIONS);
  assert.deepEqual([...records.values()].map(String).sort(), ["a book", "two books"]);
  for (const [, order, place] of stdout.matchAll(/^(.*): (partition \d+, offset \d+)$/gm)) {
    assert.equal(String(records.get(place)), order);
  }
});

test("the types fit", async () => {
  const compiler = join(ROOT, "packages/node/node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"];
  const check = (file) => run("node", [compiler, ...options, "--lib", "es2024,dom,esnext.disposable", file], { cwd: folder });
  await check("example.ts");
  await bash(`sed 's/offset } = await/offsets } = await/' example.ts > wrong.ts`);
  await assert.rejects(check("wrong.ts"), ({ stdout }) => /offsets/.test(stdout));
});

test("two processes raise a counter of the store without losing a count", async () => {
  const count = 500;
  await Promise.all([1, 2].map(() => run("node", ["counting.mjs", String(count)], { cwd: folder, env: environment() })));
  const { stdout } = await run("node", ["counting.mjs", "0"], { cwd: folder, env: environment() });
  assert.equal(stdout, `${2 * count}\n`);
});

test("two processes on one store share a group, and no record is handed out twice", async () => {
  const jobs = Array.from({ length: 60 }, (_, i) => `job ${i}`);
  const node = (...given) => run("node", given, { cwd: folder, env: environment(), timeout: 60_000 });
  await node("writing.mjs", ...jobs);
  const held = await recordsOf(address, "jobs", PARTITIONS);
  assert.deepEqual([...held.values()].map(String).sort(), [...jobs].sort());

  const workers = await Promise.all([1, 2].map(() => node("working.mjs")));
  const done = workers.flatMap(({ stdout }) => stdout.trim().split("\n").filter(Boolean));
  assert.deepEqual(done.sort(), jobs.map((job) => `${job} done`).sort());
});

test("a produce is followed by its delivery", async () => {
  const env = { ...environment(), SPIN_VARIABLE_WEBHOOK_ALLOW_PRIVATE: "true", SPIN_VARIABLE_SECRETS_KEY: KEY };
  const { stdout } = await run("node", ["subscribing.mjs"], { cwd: folder, env, timeout: 60_000 });
  const { signed, body } = JSON.parse(stdout);
  assert.equal(signed, true);
  assert.ok(body.includes("for subscribers"), body);
});

test("the set-up is written, and taking it again changes nothing", async () => {
  const env = { ...environment(), KAFKA_EDGE_STORE: "moving.sqlite" };
  const { stdout } = await run("node", ["moving.mjs"], { cwd: folder, env, timeout: 60_000 });
  const [taken, error] = stdout.trim().split("\n");
  const same = { tag: "ok", val: { change: "unchanged", needsSecret: false } };
  assert.deepEqual(JSON.parse(taken), [{ kind: "source", name: "shop", taken: same }]);
  assert.equal(error, "invalid");
});

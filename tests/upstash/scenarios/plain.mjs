// Calls that the client has no method for, as curl and small devices make them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { credentials, unique } from "../gateway.mjs";
import { until } from "./consume.mjs";

export default function plain(scene) {
  async function call(path, { method = "GET", body, headers = {}, as = "all" } = {}) {
    if (as) {
      const { username, password } = credentials(as);
      headers.authorization = `Basic ${btoa(`${username}:${password}`)}`;
    }
    const response = await fetch(`${scene.url}/${path}`, { method, body, headers });
    return { status: response.status, json: await response.json() };
  }

  test("a message in the path, and a group that is read by GET", async () => {
    const group = unique("plain");
    await call(`consume/${group}/one/red?timeout=10`);
    const value = unique("hello");
    const { json: written } = await call(`produce/red/${value}?key=k`);
    assert.equal(written.topic, "red");
    const records = [];
    const mine = () => records.find((record) => record.value === value);
    await until(async () => {
      records.push(...(await call(`consume/${group}/one/red?timeout=1000`)).json);
      return mine() ? [mine()] : [];
    }, 1);
    const record = mine();
    assert.equal(record?.key, "k");
    assert.equal(record.offset, written.offset);
  });

  test("a webhook with its credential in the query", async () => {
    const { username, password } = credentials("writer");
    const body = '{"exact":  true}';
    const hook = `webhook?topic=blue&user=${username}&pass=${password}`;
    const headers = { "x-event": "push" };
    const { status, json } = await call(hook, { method: "POST", body, headers, as: null });
    assert.equal(status, 200);
    const { partition, offset } = json[0];
    const place = JSON.stringify({ topic: "blue", partition, offset, timeout: 5000 });
    const { json: read } = await call("fetch", { method: "POST", body: place });
    assert.equal(read[0].value, body);
    if (scene.tells) assert.deepEqual(read[0].headers, [{ key: "x-event", value: "push" }]);
    const elsewhere = `consume/g/i/blue?user=${username}&pass=${password}`;
    assert.equal((await call(elsewhere, { as: null })).status, 401);
  });

  test("an instance is removed by DELETE, once", async () => {
    const group = unique("deleted");
    await call(`consume/${group}/one/red?timeout=10`);
    const path = `delete-consumer/${group}/one`;
    const first = await call(path, { method: "DELETE" });
    assert.deepEqual(first, { status: 200, json: { result: "Success", status: 200 } });
    const { status, json } = await call(path, { method: "DELETE" });
    assert.deepEqual([status, json.status, typeof json.error], [404, 404, "string"]);
  });

  test("errors have a status and a sentence, and nobody may do what was not allowed", async () => {
    for (const [path, options, status] of [
      ["produce/none/x", {}, 404],
      ["produce", { method: "POST", body: '{"topic":"red"}' }, 400],
      ["produce", { method: "POST", body: "nonsense" }, 400],
      ["topics", { as: null }, 401],
      ["consume/g/i/blue", { as: "writer" }, 403],
      ["produce/red/x", { as: "writer" }, 403],
      ["produce/blue/x", { as: "writer" }, 200],
      ["topics", { method: "DELETE" }, 405],
      ["schema-registry/subjects", {}, 501],
      ["groups", {}, 404],
    ]) {
      const answer = await call(path, options);
      assert.equal(answer.status, status, `${path}: ${JSON.stringify(answer.json)}`);
      if (status === 200) continue;
      assert.equal(answer.json.status, status);
      assert.equal(typeof answer.json.error, "string");
    }
  });
}

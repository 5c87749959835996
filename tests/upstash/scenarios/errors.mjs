// What the client makes of errors. It tries each call six times before it says
// so, which takes a quarter of a minute: they are made at once.

import { Kafka, UpstashError } from "@upstash/kafka";
import assert from "node:assert/strict";
import { test } from "node:test";

import { credentials, unique } from "../gateway.mjs";

export default function errors(scene) {
  const as = (username, password) => new Kafka({ url: scene.url, username, password });

  test("the client's own error tells status and sentence", async () => {
    const { kafka } = scene;
    const writer = credentials("writer");
    const group = { consumerGroupId: unique("errors"), instanceId: "one" };
    const calls = [
      [404, () => kafka.producer().produce("none", "x")],
      [400, () => kafka.producer().produce("red", "x", { partition: 9 })],
      [404, () => kafka.consumer().consume({ ...group, topics: ["none"] })],
      [400, () => kafka.consumer().consume({ ...group, topics: ["red"], autoOffsetReset: "none" })],
      [404, () => kafka.admin().removeConsumerInstance(group.consumerGroupId, "nobody")],
      [404, () => kafka.consumer().commit({ ...group, instanceId: "nobody" })],
      [401, () => as("all", "wrong-secret-of-theirs").admin().topics()],
      [403, () => as(writer.username, writer.password).producer().produce("red", "x")],
    ];
    await Promise.all(
      calls.map(async ([status, call]) => {
        const error = await call().then(
          () => assert.fail(`${call} did not fail`),
          (error) => error,
        );
        assert.ok(error instanceof UpstashError, `${call}: ${error}`);
        assert.equal(error.status, status, `${call}: ${error.message}`);
        assert.ok(error.message.length > 0);
      }),
    );
  });
}

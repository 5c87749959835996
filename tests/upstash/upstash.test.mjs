// Scenarios of programs that were written for Upstash Kafka, with the client
// that they were written with: unmodified, in its last version.

import { Kafka } from "@upstash/kafka";
import { after, before, describe } from "node:test";

import { credentials, start } from "./gateway.mjs";
import admin from "./scenarios/admin.mjs";
import commit from "./scenarios/commit.mjs";
import consume from "./scenarios/consume.mjs";
import errors from "./scenarios/errors.mjs";
import fetching from "./scenarios/fetch.mjs";
import plain from "./scenarios/plain.mjs";
import produce from "./scenarios/produce.mjs";

// How records are read: the second tells neither headers nor timestamps.
for (const api of ["cloud", "v2"]) {
  describe(`through the gateway, reading by ${api}`, { concurrency: 8 }, () => {
    const scene = { tells: api === "cloud" };
    before(async () => {
      scene.gateway = await start({ kafka_consume_api: api });
      scene.url = scene.gateway.url;
      scene.kafka = new Kafka({ url: scene.url, ...credentials("all") });
    });
    after(() => scene.gateway?.stop());

    for (const scenarios of [produce, consume, commit, fetching, admin, plain]) scenarios(scene);
    // The client tries again for a quarter of a minute before it gives up.
    if (api === "cloud") errors(scene);
  });
}

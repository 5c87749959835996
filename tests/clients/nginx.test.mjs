// A gateway behind nginx with nothing but `proxy_pass`, which is how people try it.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { openRaw, produce } from "./support/calls.mjs";
import { startGateway } from "./support/gateway.mjs";
import { start } from "./support/program.mjs";
import * as tools from "./support/tools.mjs";
import { Inbox, again } from "./support/waiting.mjs";

const nginx = tools.nginx();

// A socket of the file system stands in for a port: nginx cannot take any free one.
// One process does all, so that none is left when it is killed. The folders are those
// that nginx would otherwise look for in the system's.
const configuration = (folder, gateway) => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen unix:${folder}/socket;
    location / {
      proxy_pass ${gateway};
    }
  }
}
`;

describe("behind nginx", nginx.options, () => {
  let gateway, proxy, folder, socketPath;
  before(async () => {
    gateway = await startGateway({ topics: { events: 1, lines: 1 } });
    folder = await mkdtemp(join(tmpdir(), "kafka-edge-nginx-"));
    socketPath = join(folder, "socket");
    await writeFile(join(folder, "conf"), configuration(folder, gateway.url));
    proxy = start(nginx.path, ["-p", folder, "-e", "stderr", "-c", join(folder, "conf")]);
    const isUp = () => openRaw({ socketPath, path: "/healthz" }, "*/*", () => {}).then(
      ({ status }) => status,
      (error) => error.code,
    );
    await again("up", isUp, (status) => status === 200);
  });
  after(async () => {
    await proxy?.stop();
    await gateway?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  for (const [topic, accept] of [
    ["events", "text/event-stream"],
    ["lines", "application/x-ndjson"],
  ]) {
    test(`a record is there before a heartbeat, as ${accept}`, async (t) => {
      const pieces = new Inbox();
      const where = { socketPath, path: `/consumer/${topic}` };
      const stream = await openRaw(where, accept, pieces.put);
      t.after(stream.close);
      assert.equal(stream.status, 200);
      assert.match(stream.headers.server, /nginx/);
      assert.match(stream.headers["content-type"], new RegExp(`^${accept}`));
      await produce(gateway.url, topic, "through nginx");
      await pieces.until("the record", () => pieces.items.join("").includes("through nginx"), 10);
    });
  }
});

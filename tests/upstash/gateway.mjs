// A gateway of our own: what `cargo dev` runs, on a free port and in memory.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));

export const TOPICS = { blue: 1, red: 3, green: 4, yellow: 1 };

const CREDENTIALS = [
  { name: "all", secret: "secret-of-the-one-for-all", allow: ["produce", "consume"], topics: ["*"] },
  { name: "writer", secret: "secret-of-the-writer", allow: ["produce"], topics: ["blue"] },
];

// Starts it. `variables` are more of the component's own.
export async function start(variables = {}) {
  const set = { open_access: "false", credentials: JSON.stringify(CREDENTIALS), ...variables };
  const options = [
    ...["--listen", "127.0.0.1:0", "--ephemeral"],
    ...Object.entries(TOPICS).flatMap(([name, count]) => ["--topic", `${name}:${count}`]),
    ...Object.entries(set).flatMap(([name, value]) => ["--variable", `${name}=${value}`]),
  ];
  // Cargo hands its process over, so that killing it kills the gateway.
  // Who has built it already may say where it lies.
  const built = process.env.KAFKA_EDGE_DEV;
  const [program, before] = built
    ? [built, []]
    : ["cargo", ["run", "--quiet", "--package", "kafka-edge-dev", "--"]];
  const child = spawn(program, [...before, ...options], {
    cwd: WORKSPACE,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const address = await Promise.race([
    banner(child.stdout),
    ended.then((code) => Promise.reject(new Error(`the gateway ended with ${code}`))),
  ]);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { url: `${address}/upstash`, stop };
}

async function banner(output) {
  let address;
  for await (const line of createInterface(output)) {
    address ??= /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
    if (line.includes("Ctrl-C")) return address;
  }
  throw new Error("the gateway said nothing of where it listens");
}

export function credentials(name) {
  const { secret } = CREDENTIALS.find((credential) => credential.name === name);
  return { username: name, password: secret };
}

// A name that no other scenario uses.
let count = 0;
export const unique = (name) => `${name}-${process.pid}-${count++}`;

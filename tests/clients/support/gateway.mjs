// A gateway of our own: what `cargo dev` runs, on a free port and in memory.

import { fileURLToPath } from "node:url";

import { startAndWait } from "./program.mjs";

const WORKSPACE = fileURLToPath(new URL("../../..", import.meta.url));

export const SECRET = "secret-of-the-one-for-all";
export const CREDENTIALS = JSON.stringify([
  { name: "all", secret: SECRET, allow: ["produce", "consume", "webhooks"], topics: ["*"] },
]);

// Starts a gateway. `topics` are names with counts of partitions. With `rest`, the
// address of a Kafka REST server, the gateway uses that server and its topics. `dataDir` is
// a folder with what another one has kept, and `component` a file, if the gateway is not to
// be built.
export async function startGateway({ topics = {}, rest, dataDir, component, variables = {} }) {
  const options = ["--listen", "127.0.0.1:0", ...(dataDir ? ["--data-dir", dataDir] : ["--ephemeral"])];
  for (const [name, count] of Object.entries(topics)) options.push("--topic", `${name}:${count}`);
  if (component) options.push("--component", component);
  if (rest) options.push("--rest-url", rest);
  // The warnings of a test that takes Kafka away would hide what failed.
  const set = { log_level: "error", kafka_consume_api: "cloud", ...variables };
  const env = Object.fromEntries(
    Object.entries(set).map(([name, value]) => [`SPIN_VARIABLE_${name.toUpperCase()}`, value]),
  );
  const [program, before] = programOf("kafka-edge-dev", "KAFKA_EDGE_DEV");
  const ready = /listens on (http:\/\/[\d.]+:(\d+))/;
  const started = await startAndWait(program, [...before, ...options], ready, {
    cwd: WORKSPACE,
    env: { ...process.env, ...env },
  });
  const [, url, port] = started.match;
  // The first call makes an instance, which a test's own deadline should not include.
  await fetch(`${url}/healthz`);
  return { url, port: Number(port), stop: started.stop };
}

// Starts a Kafka REST server that the gateway can be separated from.
export async function startKafka(topics) {
  const options = Object.entries(topics).flatMap(([name, count]) => ["--topic", `${name}:${count}`]);
  const [program, before] = programOf("kafka-edge-emulator", "KAFKA_EDGE_EMULATOR");
  const ready = /http:\/\/[\d.]+:(\d+)/;
  const all = [...before, "--listen", "127.0.0.1:0", ...options];
  const started = await startAndWait(program, all, ready, { cwd: WORKSPACE });
  return { port: Number(started.match[1]), stop: started.stop };
}

// Who has built the program already may say where it lies. Otherwise cargo builds it
// and then becomes it, so that killing cargo's process kills the program.
function programOf(name, variable) {
  const built = process.env[variable];
  return built ? [built, []] : ["cargo", ["run", "--quiet", "--package", name, "--"]];
}

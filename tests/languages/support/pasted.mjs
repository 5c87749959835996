// A page's commands, pasted into a shell in an empty folder.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { start } from "../../clients/support/program.mjs";
import { ROOT } from "./page.mjs";

// `cargo dev` takes a free port, has two topics more, and keeps its data in the folder. It
// becomes the shell's own process, so that a signal to the one reaches the other.
const PROLOGUE = `set -euo pipefail
cargo() {
  if [ "$1" != dev ]; then command cargo "$@"; return; fi
  shift
  exec "$KAFKA_EDGE_DEV" --listen 127.0.0.1:0 --data-dir "$FOLDER/data" \\
    --topic test-topic:3 --topic large:1 --topic followed:1 "$@"
}
`;

export const emptyFolder = () => mkdtempSync(join(tmpdir(), "kafka-edge-"));
export const remove = (folder) => rmSync(folder, { recursive: true, force: true });

// Runs the commands until the last of them, `cargo dev`, listens. Returns its address, that
// of the Kafka behind it, and how to end it.
export function paste(commands, folder) {
  const env = { ...process.env, KAFKA_EDGE: ROOT.replace(/\/$/, ""), FOLDER: folder };
  const wanted = { url: /listens on (http:\S+)/, kafka: /embedded, on (http:\S+)/ };
  const found = {};
  return new Promise((resolve, reject) => {
    const onLine = (line) => {
      for (const [name, pattern] of Object.entries(wanted)) found[name] ??= pattern.exec(line)?.[1];
      if (found.url && found.kafka) resolve({ ...found, stop });
    };
    const shell = start("bash", ["-c", PROLOGUE + commands], { cwd: folder, env, onLine });
    const stop = () => shell.stop("SIGINT");
    shell.ended.then((code) => reject(new Error(`the commands ended with ${code}`)), reject);
  });
}

// A page of docs/wit: its commands, and what they print.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

// `commands` are the lines of all ```sh blocks, in order. `calls` are the lines of the
// ```console blocks that begin with "$ ", each with what it prints.
export function readPage(name) {
  const text = readFileSync(`${ROOT}/docs/wit/${name}.md`, "utf8");
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)];
  const of = (kind) => blocks.filter(([, found]) => found === kind).map(([, , block]) => block);
  const calls = of("console")
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((entry) => {
      const [command, ...printed] = entry.split("\n");
      return { command, printed: printed.join("\n") };
    });
  return { commands: of("sh").join(""), calls };
}

// node build.mjs WIT: makes mailbox.wasm of mailbox.js. WIT is the folder wit of kafka-edge.
//
// componentize-qjs 0.4.5 refuses imports that are `async func` ("type mismatch with
// async"). So it is shown kafka-edge's interfaces without `async`, and the imports of what
// it makes are marked async afterwards. It calls them as functions that wait, which an
// export that is async may do.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse, print } from "@bytecodealliance/jco-transpile/wasm-tools";
import { componentize } from "componentize-qjs";

const published = process.argv[2];
const wit = mkdtempSync(join(tmpdir(), "wit-"));
try {
  cpSync("wit", wit, { recursive: true });
  cpSync(join(published, "deps"), join(wit, "deps"), { recursive: true });
  mkdirSync(join(wit, "deps", "kafka-edge"));
  for (const file of readdirSync(published).filter((name) => name.endsWith(".wit"))) {
    const text = readFileSync(join(published, file), "utf8").replaceAll("async func(", "func(");
    writeFileSync(join(wit, "deps", "kafka-edge", file), text);
  }
  const jsSource = readFileSync("mailbox.js", "utf8");
  const { component } = await componentize({ witPath: wit, jsSource, jsPath: "mailbox.js" });
  writeFileSync("mailbox.wasm", await parse(markAsync(await print(component))));
} finally {
  rmSync(wit, { recursive: true });
}

// The type of an instance that is imported stands right before the import.
function markAsync(text) {
  const lines = text.split("\n");
  let type = 0;
  lines.forEach((line, i) => {
    if (line.trim() === "(instance") type = i;
    if (!/^ *\(import "kafka-edge:api\/[^"]*" \(instance /.test(line)) return;
    for (let j = type; j < i; j += 1) lines[j] = lines[j].replace(/^( *\(type .*)\(func \(/, "$1(func async (");
  });
  return lines.join("\n");
}

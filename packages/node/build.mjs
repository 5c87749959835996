// node build.mjs: makes the folder component, of the component that `cargo wasm` has built.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { transpile } from "@bytecodealliance/jco-transpile";
import { parse } from "smol-toml";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const component = process.argv[2] ?? join(root, "target/wasm32-wasip2/component/kafka_edge_spin.wasm");

const { files } = await transpile(component, {
  name: "kafka_edge",
  map: {
    "spin:key-value/key-value": "../host/key-value.js",
    "spin:redis/redis": "../host/redis.js",
    "wasi:clocks/monotonic-clock": "../host/clock.js",
    "spin:variables/variables": "../host/variables.js",
    "wasi:keyvalue/store": "../host/keyvalue.js",
    "wasi:keyvalue/atomics": "../host/keyvalue.js",
  },
});
// jco 0.15.0 hands a component that is busy to the next caller by a microtask that queues
// itself until the component is free. While its holder waits for the network, nothing else of
// the program runs any more, the network neither. Whoever lets go of the component hands it on
// as well, so it need not be tried again.
const BUSY = /(if \(this\.#lockHolderTaskID !== null\) \{)\s*this\.#scheduleLockHandoff\(\);\s*(return;)/g;
let patched = 0;
const script = new TextDecoder().decode(files["kafka_edge.js"]).replaceAll(BUSY, (_, test, end) => {
  patched += 1;
  return `${test} ${end}`;
});
if (patched !== 1) throw new Error(`the handing over of a busy component is there ${patched} times`);
// It also looks after tasks that wait every 10 milliseconds, which must not keep the program
// alive: host/calls.js does, for as long as somebody waits for them.
const UNREF = "const setTimeout = (...given) => globalThis.setTimeout(...given).unref();\n";
files["kafka_edge.js"] = UNREF + script;

// It declares a function named `delete` in a way that TypeScript refuses (TS1046).
for (const name of Object.keys(files).filter((name) => name.endsWith(".d.ts"))) {
  files[name] = new TextDecoder().decode(files[name]).replace(/^function /gm, "declare function ");
}

const folder = join(here, "component");
rmSync(folder, { recursive: true, force: true });
for (const [name, contents] of Object.entries(files)) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

// The variables that there are, and their defaults, stand in spin.toml alone.
const { variables } = parse(readFileSync(join(root, "spin.toml"), "utf8"));
const defaults = Object.entries(variables).map(([name, { default: value = "" }]) => [name, value]);
writeFileSync(
  join(folder, "variables.js"),
  `export default ${JSON.stringify(Object.fromEntries(defaults), null, 2)};\n`,
);
copyFileSync(join(root, "LICENSE"), join(here, "LICENSE"));

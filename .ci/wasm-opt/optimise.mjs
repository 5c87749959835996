// node optimise.mjs BUILD FILE: writes a build, a component or a module, as a release has it.
//
// binaryen's wasm-opt works on modules, and a component contains several: all but the gateway's
// own only hand calls on. So that one is taken out of it, and put back in its place. What the
// component imports and exports stays as it is.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { COMPONENT_SECTION, Reader, isComponent, written } from "./binary.mjs";
import { withShortNames } from "./names.mjs";

const WASM_OPT = join(dirname(createRequire(import.meta.url).resolve("binaryen")), "bin/wasm-opt");

// What rustc 1.95.0 takes for granted of its targets wasm32-wasip1 and wasm32-wasip2, and
// nothing else: a host that runs what cargo builds runs this, too.
const FEATURES = [
  "--mvp-features",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-call-indirect-overlong",
  "--enable-multivalue",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-reference-types",
  "--enable-sign-ext",
];

// At addresses below 1,024 lies the end of the stack, which grows towards 0. So a sum of an address
// and a constant up to 1,024 does not go beyond 2³² and begin again at 0, and the constant can be
// part of a load or a store.
const PASSES = ["--low-memory-unused", "-Oz"];

function optimisedModule(module) {
  const folder = mkdtempSync(join(tmpdir(), "wasm-opt-"));
  try {
    const [before, after] = [join(folder, "before.wasm"), join(folder, "after.wasm")];
    writeFileSync(before, module);
    execFileSync(process.execPath, [WASM_OPT, ...FEATURES, ...PASSES, before, "-o", after]);
    return readFileSync(after);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const modulesOf = (component) =>
  new Reader(component).sections().filter(({ number }) => number === COMPONENT_SECTION.coreModule);

function optimisedComponent(component) {
  const lengths = modulesOf(component).map(({ contents }) => contents.length);
  const own = lengths.indexOf(Math.max(...lengths));
  const short = withShortNames(component, own);
  const module = modulesOf(short)[own].contents;
  // The section `component-name` names what is in a component, for people who look into it.
  const isNeeded = ({ number, contents }) =>
    number !== COMPONENT_SECTION.custom || new Reader(contents).name() !== "component-name";
  const sections = new Reader(short).sections().filter(isNeeded);
  for (const section of sections) {
    if (section.contents.equals(module)) section.contents = optimisedModule(module);
  }
  return written(component, sections);
}

const [build, file] = process.argv.slice(2);
const bytes = readFileSync(build);
const optimised = isComponent(bytes) ? optimisedComponent(bytes) : optimisedModule(bytes);
writeFileSync(file, optimised);
console.log(`${file}: ${bytes.length} bytes before wasm-opt, ${optimised.length} after it`);

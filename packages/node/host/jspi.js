// Lets WebAssembly wait for a promise (JSPI), which Node 25 does by itself. In Node 24 it is
// behind `--experimental-wasm-jspi`. A flag that is set while a program runs shows only in
// contexts that are made afterwards, so the two functions are taken from such a one.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

if (!WebAssembly.Suspending) {
  setFlagsFromString("--experimental-wasm-jspi");
  const { Suspending, promising } = runInNewContext("WebAssembly");
  if (!Suspending) throw new Error(`kafka-edge needs Node 24 or later, and this is ${process.version}`);
  Object.assign(WebAssembly, { Suspending, promising });
}

// wasi:clocks/monotonic-clock@0.3.0, whose deadlines do not keep the program alive.

import { monotonicClock } from "@bytecodealliance/preview3-shim/clocks";

const NANOSECONDS = 1_000_000n;
// The longest timer of Node's.
const LONGEST = 2 ** 31 - 1;

export const now = () => monotonicClock.now();

export const waitFor = (time) =>
  new Promise((resolve) => {
    const millis = Number((BigInt(time) + NANOSECONDS - 1n) / NANOSECONDS);
    setTimeout(resolve, Math.min(millis, LONGEST)).unref();
  });

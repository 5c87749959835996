// wasi:keyvalue/store and /atomics @0.2.0-draft2, as far as the component imports them.

import { theStore } from "./store.js";

const LABEL = "default";
// How many keys one call lists.
const PAGE = 1000;

export class Bucket {
  #store = theStore();

  // The cursor is the last key of the page before.
  listKeys(cursor) {
    const keys = this.#store.keysAfter(cursor ?? "", PAGE);
    return { keys, cursor: keys.length === PAGE ? keys.at(-1) : undefined };
  }

  increment(key, delta) {
    return this.#store.increment(key, delta);
  }
}

export function open(label) {
  if (label !== LABEL) throw { tag: "no-such-store" };
  return new Bucket();
}

export const increment = (bucket, key, delta) => bucket.increment(key, delta);

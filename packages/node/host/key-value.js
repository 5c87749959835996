// spin:key-value/key-value@3.0.0, as far as the component imports it.

import { theStore } from "./store.js";

// The one store that there is, as on Spin.
const LABEL = "default";

export class Store {
  #store;

  static async open(label) {
    if (label !== LABEL) throw { tag: "no-such-store" };
    const store = new Store();
    store.#store = theStore();
    return store;
  }

  async get(key) {
    return this.#store.get(key);
  }

  async set(key, value) {
    this.#store.set(key, value);
  }

  async delete(key) {
    this.#store.remove(key);
  }
}

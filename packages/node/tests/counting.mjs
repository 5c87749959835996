// Raises a counter of the store so many times, and prints what it is then.

import { theStore } from "./node_modules/kafka-edge/host/store.js";

for (let i = 0; i < Number(process.argv[2]); i += 1) theStore().increment("a counter", 1n);
console.log(String(theStore().increment("a counter", 0n)));

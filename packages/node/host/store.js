// What the gateway keeps, in one SQLite file.
//
// Any number of processes may use the file at the same time: each call is one transaction,
// which SQLite lets nobody else into, and two gateways on one store is what the gateway is
// made for. All of them have to be on one machine, because SQLite's locks are those of the
// file system.

import { DatabaseSync } from "node:sqlite";

// The largest value, as on Spin.
const MAX_VALUE_LEN = 127 * 1024 * 1024;
// How long a call waits for those of other processes, in milliseconds.
const MAX_WAIT = 10_000;
const [MIN_COUNT, MAX_COUNT] = [-(2n ** 63n), 2n ** 63n - 1n];

let opened;

// The store of this process. Nothing is opened before the first call needs it.
export function theStore() {
  opened ??= openStore(process.env.KAFKA_EDGE_STORE || "kafka-edge.sqlite");
  return opened;
}

export function openStore(file) {
  const database = failing(() => new DatabaseSync(file, { timeout: MAX_WAIT }));
  failing(() => {
    // Readers do not wait for a writer, and what was written survives a loss of power.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("CREATE TABLE IF NOT EXISTS store (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
  });
  const [get, set, remove, keys] = [
    "SELECT value FROM store WHERE key = ?",
    "INSERT INTO store VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    "DELETE FROM store WHERE key = ?",
    "SELECT key FROM store WHERE key > ? ORDER BY key LIMIT ?",
  ].map((statement) => database.prepare(statement));

  return {
    get: (key) => failing(() => get.get(key)?.value),
    set(key, value) {
      if (value.length > MAX_VALUE_LEN) fail(`the value has ${value.length} bytes, ${MAX_VALUE_LEN} is the limit`);
      failing(() => set.run(key, value));
    },
    remove: (key) => failing(() => remove.run(key)),
    // Up to `most` keys that come after this one.
    keysAfter: (key, most) => failing(() => keys.all(key, most).map((row) => row.key)),
    increment: (key, delta) =>
      failing(() => {
        // IMMEDIATE: whoever reads the count is the only one who may write it.
        database.exec("BEGIN IMMEDIATE");
        try {
          const count = counter(get.get(key)?.value) + delta;
          if (count < MIN_COUNT || count > MAX_COUNT) fail("the counter would overflow");
          const bytes = Buffer.alloc(8);
          bytes.writeBigInt64LE(count);
          set.run(key, bytes);
          database.exec("COMMIT");
          return count;
        } catch (error) {
          if (database.isTransaction) database.exec("ROLLBACK");
          throw error;
        }
      }),
  };
}

// A counter is eight bytes, the lowest first.
function counter(bytes) {
  if (bytes === undefined) return 0n;
  if (bytes.length !== 8) fail("the value of this key is not a counter");
  return Buffer.from(bytes).readBigInt64LE();
}

// Errors as both interfaces have them.
function fail(reason) {
  throw { tag: "other", val: reason };
}

function failing(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error) fail(error.message);
    throw error;
  }
}

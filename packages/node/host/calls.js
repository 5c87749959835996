// What the package adds to each function of the component: an error is an Error, and the
// program does not end while a call or a stream waits.

export class KafkaEdgeError extends Error {
  name = "KafkaEdgeError";

  constructor({ tag, val }) {
    const text = typeof val === "object" ? `${val.field ?? val.size}: ${val.message ?? `at most ${val.limit}`}` : val;
    super(val === undefined ? tag : `${tag}: ${text}`);
    this.tag = tag;
    this.val = val;
  }
}

// The component's own deadlines do not keep the program alive: many of them outlast what they
// were for. So this does, once for all calls.
const HOUR = 3_600_000;
let waiting = 0;
let alive;

async function kept(work) {
  waiting += 1;
  alive ??= setInterval(() => {}, HOUR);
  try {
    return await work();
  } catch (error) {
    throw error?.tag === undefined || error instanceof Error ? error : new KafkaEdgeError(error);
  } finally {
    waiting -= 1;
    if (waiting === 0) {
      clearInterval(alive);
      alive = undefined;
    }
  }
}

// The functions of an interface.
export function calls(functions) {
  const wrapped = Object.entries(functions).map(([name, call]) => [name, (...given) => kept(() => call(...given))]);
  return Object.fromEntries(wrapped);
}

// A stream of records, and a promise that tells why it has ended.
export function following({ follow }) {
  return {
    async follow(request) {
      const [records, end] = await kept(() => follow(request));
      const stream = records[Symbol.asyncIterator]();
      const iterator = {
        next: () => kept(() => stream.next()),
        return: async (value) => {
          await stream.return?.();
          return { done: true, value };
        },
        [Symbol.asyncIterator]: () => iterator,
      };
      return [iterator, end];
    },
  };
}

// Waiting for what arrives.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What has arrived so far, and a promise for what has not.
export class Inbox {
  items = [];
  #waiting = new Set();

  put = (item) => {
    this.items.push(item);
    this.#waiting.forEach((look) => look());
  };

  // Resolves once `enough` is true of the items.
  until(what, enough, seconds = 15) {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiting.delete(look);
        const has = JSON.stringify(this.items).slice(0, 2000);
        reject(new Error(`not ${what} within ${seconds} s; there is ${has}`));
      };
      const timer = setTimeout(late, seconds * 1000);
      const look = () => {
        if (!enough(this.items)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(this.items);
      };
      this.#waiting.add(look);
      look();
    });
  }

  // Resolves once there are items of these.
  holds(...wanted) {
    const enough = (items) => wanted.every((one) => items.includes(one));
    return this.until(`all of ${wanted}`, enough);
  }
}

// Calls again, twice a second, until `enough` is true of what comes.
export async function again(what, call, enough, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const result = await call();
    if (enough(result)) return result;
    if (Date.now() > end) throw new Error(`not ${what} within ${seconds} s: ${JSON.stringify(result)}`);
    await sleep(500);
  }
}

// A callback that keeps what comes: headers by their names in lower case, and the raw body.

import { once } from "node:events";
import { createServer } from "node:http";

export async function startReceiver() {
  const received = [];
  const waiting = [];
  const server = createServer(async (request, answer) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    received.push({ headers: request.headers, body: Buffer.concat(pieces) });
    answer.writeHead(204).end();
    for (const look of waiting) look();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = (count) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${received.length} of ${count} came`)), 20_000);
      const look = () => {
        if (received.length < count) return;
        clearTimeout(late);
        resolve();
      };
      waiting.push(look);
      look();
    });
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, received, arrived, stop };
}

// A TCP connection that can be cut, as a network can.

import { connect, createServer } from "node:net";

// Passes connections on to a port of this machine.
export async function startLink(port) {
  const open = new Set();
  const answers = new Set();
  let refuses = false;
  let sent = "";
  const server = createServer((near) => {
    if (refuses) return near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [socket, other] of [[near, far], [far, near]]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    near.on("data", (data) => (sent += data.toString("latin1")));
    answers.add(far);
    far.on("close", () => answers.delete(far));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `resetAndDestroy` would be nearer to a network that fails, but after it Node 20 now
  // and then never ends: its last loop waits for a request of a socket that is gone.
  const cut = () => open.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    // Cuts what is open and refuses what comes, until `allow`.
    refuse() {
      refuses = true;
      cut();
    },
    allow() {
      refuses = false;
    },
    // Lets nothing through any more of what the far side answers on what is open.
    lose() {
      for (const far of answers) far.unpipe().resume();
    },
    // All that the near side has sent.
    sent: () => sent,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

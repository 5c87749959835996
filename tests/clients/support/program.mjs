// Programs that run beside the tests and end with them.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const running = new Set();

// A test that fails or is interrupted must not leave a server behind.
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

// Starts a program and passes each line that it prints to `onLine`.
export function start(program, options, { onLine = () => {}, ...how } = {}) {
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"], ...how });
  running.add(child);
  // The lines are read to the end, because a full pipe would stop the program.
  createInterface(child.stdout).on("line", onLine);
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  }).finally(() => running.delete(child));
  ended.catch(() => {});
  const stop = async (signal = "SIGKILL") => {
    child.kill(signal);
    return ended;
  };
  return { ended, stop };
}

// Starts a program and waits until a line matches `ready`; returns the match too.
export function startAndWait(program, options, ready, how) {
  return new Promise((resolve, reject) => {
    const onLine = (line) => {
      const match = ready.exec(line);
      if (match) resolve({ match, stop: started.stop });
    };
    const started = start(program, options, { ...how, onLine });
    started.ended.then((code) => reject(new Error(`${program} ended with ${code}`)), reject);
  });
}

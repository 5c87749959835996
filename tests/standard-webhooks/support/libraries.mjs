// The libraries. Each is given requests, and says of each whether it is believed.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const tools = fileURLToPath(new URL("../../../target/tools/standard-webhooks", import.meta.url));
const all = process.env.STANDARD_WEBHOOKS === "all";

export const LIBRARIES = [
  javaScript("npm standardwebhooks", Webhook),
  program("PyPI standardwebhooks", `${tools}/bin/python`, [here("python/verify.py"), "standardwebhooks"]),
  ...(all
    ? [
        javaScript("npm svix", SvixWebhook),
        program("PyPI svix", `${tools}/bin/python`, [here("python/verify.py"), "svix"]),
        program("Go standard-webhooks", `${tools}/go/verify`, []),
        program("crate standardwebhooks", `${tools}/rust/verify`, []),
        program("Maven standardwebhooks", "/usr/bin/java", ["-cp", `${tools}/java:${tools}/java/*`, "Verify"], `${tools}/java/Verify.class`),
      ]
    : []),
];

function javaScript(name, Library) {
  const verify = async (requests) =>
    requests.map(({ secret, headers, body }) => {
      try {
        new Library(secret).verify(body.toString(), headers);
        return true;
      } catch {
        return false;
      }
    });
  return { name, verify, options: {} };
}

// A program reads a line for each request: secret, id, time, signatures, and the body in
// base64, with tabs between. It writes a line for each.
function program(name, path, more, wanted = path) {
  if (!existsSync(wanted)) {
    console.log(`skipped: what needs ${name}, which is not installed`);
    return { name, options: { skip: `${name} is not installed` } };
  }
  const verify = (requests) =>
    new Promise((resolve, reject) => {
      const child = execFile(path, more, { timeout: 60_000 }, (error, stdout, stderr) => {
        if (error) return reject(new Error(`${name}: ${error.message}\n${stderr}`));
        resolve(stdout.trim().split("\n").map((line) => line === "ok"));
      });
      const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
      const line = ({ secret, headers, body }) =>
        [secret, ...names.map((name) => headers[name]), body.toString("base64")].join("\t");
      child.stdin.end(requests.map(line).join("\n") + "\n");
    });
  return { name, verify, options: {} };
}

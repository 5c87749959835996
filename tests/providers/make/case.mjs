// What every case of a family has in common: fixed times, secrets and bodies, the ways to
// sign, and who vouches for the signature.
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

/** When a request was sent, and when it is checked, in seconds. */
export const SENT = 1764399998;
export const NOW = 1764400000;

/** A window without limits: what a scheme without a timestamp has. */
export const ALWAYS = { age: null, future: null };
export const both = (seconds) => ({ age: seconds, future: seconds });

const path = (name) => new URL(`node_modules/${name}/package.json`, import.meta.url);
const npm = (name, use) => {
  const { name: real, version } = JSON.parse(readFileSync(path(name)));
  return `npm ${real} ${version} ${use}`;
};
/** The package's own function made the signature. */
export const signed = (name, use) => ({ made: "sdk-signed", by: npm(name, use) });
/** A template made the signature, and the package's own function accepts it. */
export const verified = (name, use) => ({ made: "sdk-verified", by: npm(name, use) });
/** The same for packages for Python: check.py holds that the sentence is true. */
export const python = (made, by) => ({ made, by: `PyPI ${by}` });
/** A template made the signature after the vendor's documentation. */
export const documented = (title, address) => ({ made: "documentation", by: `${title}, ${address}` });
/** A template made the signature after another project's code or after experience. */
export const template = (by) => ({ made: "template", by });

export const hmac = (hash, key, bytes, encoding) => createHmac(hash, key).update(bytes).digest(encoding);
export const sha256 = (bytes, encoding) => createHash("sha256").update(bytes).digest(encoding);

/** A secret whose name says that it opens nothing. */
export const secret = (name) => `kafka-edge-test-secret-${name}`;
/** The same for schemes that show `whsec_` and base64. */
export const whsec = (name) => "whsec_" + base64(`kafka-edge test secret ${name.padEnd(9, ".")}`);
export const base64 = (text) => Buffer.from(text).toString("base64");

/** JSON that changes when somebody parses and writes it again: white space, numbers, escapes. */
export const odd = (fields) =>
  `{ ${JSON.stringify(fields).slice(1, -1)} ,\n\t"amount" : 1.0, "number":1234567890123456789,\r\n` +
  `  "escaped":"\\u00e9\\/", "text" : "Zürich ☃ 😀" }\n`;

/**
 * A header of a request by name, or a name that JSON holds, as the id of an event. What may
 * hold several events has no id: were it the first one's, a repeat with more in it would be
 * dropped whole.
 */
export const header = (name) => (request) => new Map(request.headers).get(name);
export const field =
  (...names) =>
  (request) =>
    names.reduce((value, name) => value[name], JSON.parse(request.body));

/**
 * The cases of one provider. `row` says how it signs and who checks; each of `cases` says
 * what is different: its name, and any of `body`, `secrets`, `signer`, `headers`…
 */
export const provider = (name, row, cases) =>
  cases.map((one) => {
    const all = { method: "POST", window: ALWAYS, id: () => null, type: "application/json", ...row, ...one };
    const secrets = all.secrets ?? [secret(name)];
    const request = {
      method: all.method,
      url: all.url ?? `https://hooks.example.com/in/${name}`,
      headers: [],
      body: all.body,
    };
    // The last secret signs: with two, that is the one that is being retired.
    const sign = (key) => all.sign({ ...all, ...request, secret: key, time: all.time ?? SENT });
    return { ...all, provider: name, secrets, request, sign: () => sign(all.signer ?? secrets.at(-1)) };
  });

/** The names in lower case, as the packages that take an object want them. */
export const headersOf = (request) => Object.fromEntries(request.headers);

/** What most providers get: a plain body, an odd one, and one under the retiring secret. */
export const usual = (name, fields) => [
  { case: "json", body: JSON.stringify(fields) },
  { case: "odd-json", body: odd(fields) },
  {
    case: "two-secrets",
    body: JSON.stringify(fields),
    secrets: [secret(`${name}-new`), secret(`${name}-old`)],
  },
];

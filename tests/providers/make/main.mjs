// Makes every vector anew and compares it with the file that is checked in. `--write` writes
// the files instead. Either way each vector is shown to the vendor's own package where there
// is one: it must accept the request, and refuse it with a changed body or out of its time.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { mock } from "node:test";
import { NOW, SENT } from "./case.mjs";
import families from "./families.mjs";
import handshakes from "./handshakes.mjs";

// Some packages tell here what they see and refuse.
console.debug = console.warn = () => {};

const write = process.argv.includes("--write");

/** One digit, or one letter, of the body becomes another. JSON stays JSON. */
const changed = (request) => {
  const at = request.body.toString("latin1").search(/[0-9](?=[^0-9]*$)/);
  assert(at >= 0, "the body has no digit that could be changed");
  const body = Buffer.from(request.body);
  body[at] ^= 1;
  return { ...request, body };
};

async function accepts(one, request, now) {
  mock.timers.enable({ apis: ["Date"], now: now * 1000 });
  try {
    for (const secret of one.secrets.length ? one.secrets : [undefined]) {
      try {
        if ((await one.accept(request, secret, one.secrets, one)) !== false) return true;
      } catch (error) {
        // A mistake in a family's own lines is no refusal.
        if (error instanceof ReferenceError || /is not a function/.test(error.message)) throw error;
        one.refusal = error;
      }
    }
    return false;
  } finally {
    mock.timers.reset();
  }
}

async function check(one, request) {
  const seen = { ...request, body: Buffer.from(request.body) };
  const show = async (wanted, what, how, now) => {
    const got = await accepts(one, how, now);
    assert(got === wanted, `${one.by} ${got ? "accepts" : "refuses"} ${what}: ${one.refusal ?? ""}`);
  };
  await show(true, "the request", seen, NOW);
  await show(false, "another content", (one.change ?? changed)(seen), NOW);
  const year = 366 * 86400;
  const { age, future } = one.limits ?? one.window;
  await show(true, "a request within its age", seen, SENT + (age === null ? year : age - 0.5));
  await show(true, "a request within its future", seen, SENT - (future === null ? year : future - 0.5));
  if (age !== null) await show(false, "an older request", seen, SENT + age + 1);
  if (future !== null) await show(false, "a request from further ahead", seen, SENT - future - 1);
}

/** The request with its headers, and how it stands in a file. */
async function finished(one) {
  const { request } = one;
  const sent = await one.sign();
  request.headers = [...sent, ...(one.type ? [["content-type", one.type]] : []), ...(one.headers ?? [])];
  // A scheme that signs within the body gives the whole body.
  if (sent.body !== undefined) request.body = sent.body;
  const { body, ...rest } = request;
  const text = Buffer.from(body).toString();
  const binary = Buffer.compare(Buffer.from(text), Buffer.from(body)) !== 0;
  return binary ? { ...rest, body_base64: Buffer.from(body).toString("base64") } : { ...rest, body: text };
}

/** Runs `make` for each, and says which one fails. */
async function each(cases, make) {
  const results = [];
  for (const one of cases) {
    try {
      results.push(await make(one));
    } catch (error) {
      console.error(`${one.provider}, ${one.case}:`, error);
      process.exitCode = 1;
    }
  }
  return results;
}

const place = (name) => new URL(`../${name}`, import.meta.url);
function settle(name, text) {
  if (write) writeFileSync(place(name), text);
  else if (readFileSync(place(name), "utf8") !== text) {
    console.error(`${name} is not what is made now; --write writes it.`);
    process.exitCode = 1;
  }
}
const settleJson = (name, content) => settle(`${name}.json`, JSON.stringify(content, null, 2) + "\n");

const vectors = await each(families, async (one) => {
  const request = await finished(one);
  if (one.accept) await check(one, one.request);
  const { provider, case: name, made, by, secrets, window, algorithm, jwks, claims, refused } = one;
  return {
    provider,
    case: name,
    ...(refused && { refused }),
    made,
    by,
    secrets,
    now: NOW,
    window,
    request,
    id: one.id(one.request)?.toString() ?? null,
    ...(algorithm && { algorithm }),
    ...(jwks && { jwks }),
    ...(claims && { claims }),
  };
});
const providers = Map.groupBy(vectors, (vector) => vector.provider);
for (const [name, group] of providers) settleJson(`vectors/${name}`, group);
settleJson(
  "handshakes",
  await each(handshakes, async (one) => {
    const request = await finished(one);
    const { provider, case: name, by, secrets } = one;
    return {
      provider,
      case: name,
      by,
      secrets,
      now: NOW,
      request,
      answer: await one.answer(one.request, secrets[0]),
    };
  }),
);

// The table stands at the end of the page.
const head = "| provider | cases | by |\n|---|---|---|\n";
const row = ([name, group]) =>
  `| ${name} | ${group.length} | ${[...new Set(group.map(({ made, by }) => `${made}: ${by}`))].join("; ")} |\n`;
const page = readFileSync(place("README.md"), "utf8");
settle("README.md", page.slice(0, page.indexOf(head)) + head + [...providers].map(row).sort().join(""));
console.log(`${vectors.length} vectors of ${providers.size} providers, Node ${process.version}`);

// The scenarios of the CloudEvents project (cloudevents/conformance), held against a
// gateway. They are expected in ../shared/suites/cloudevents.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { AstBuilder, GherkinClassicTokenMatcher, Parser, compile } from "@cucumber/gherkin";
import { IdGenerator } from "@cucumber/messages";

import { readByJavaScript, readPlainly } from "./support/reading.mjs";
import { MODES, startSources, written } from "./support/sources.mjs";

const FOLDER = fileURLToPath(new URL("../../../shared/suites/cloudevents", import.meta.url));
// A suite that had lost its scenarios would pass as well.
const FEATURES = { "http-protocol-binding.feature": 4, "kafka-protocol-binding.feature": 3 };

// A step's text, and what it does with the scenario's state and its table or text.
const STEPS = {
  "HTTP Protocol Binding is supported": () => {},
  "Kafka Protocol Binding is supported": () => {},
  "an HTTP request": (scene, { text }) => {
    const [head, ...body] = text.split("\n\n");
    const [start, ...lines] = head.split("\n");
    assert.match(start, /^POST /);
    const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/)));
    // Both are the sender's for this one path; the length counts other line ends.
    delete headers.Host;
    delete headers["Content-Length"];
    scene.message = { headers, body: body.join("\n\n") };
  },
  // What the source writes is read by the text of the Kafka binding.
  "parsed as HTTP request": async (scene) => {
    for (const source of MODES) {
      scene.events.push(readPlainly(await written(scene.gateway, source, scene.message)));
    }
  },
  "a Kafka message with payload:": (scene, { text }) => {
    scene.value = text;
  },
  "Kafka headers:": (scene, { rows }) => {
    scene.headers = rows;
  },
  // The gateway is brought to write this message, and npm's package parses what it wrote.
  "parsed as Kafka message": async (scene) => {
    const type = scene.headers["content-type"];
    const source = type.startsWith("application/cloudevents") ? "structured" : "binary";
    const inHttp = ([name, value]) => [name.replace(/^ce_/, "ce-"), value];
    const headers = Object.fromEntries(Object.entries(scene.headers).map(inHttp));
    const record = await written(scene.gateway, source, { headers, body: scene.value });
    if (source === "binary") {
      assert.deepEqual(record.headers, scene.headers);
      assert.equal(record.value.toString(), scene.value);
    } else {
      assert.deepEqual(JSON.parse(record.value.toString()), JSON.parse(scene.value));
      assert.equal(record.headers["content-type"], "application/cloudevents+json; charset=UTF-8");
    }
    // The package writes times with milliseconds.
    const event = readByJavaScript(record);
    assert.equal(event.attributes.time, "2018-04-05T03:56:24.000Z");
    event.attributes.time = readPlainly(record).attributes.time;
    scene.events.push(event);
  },
  "the attributes are:": (scene, { rows }) => {
    assert.ok(scene.events.length > 0);
    for (const { attributes } of scene.events) assert.deepEqual(attributes, rows);
  },
  "the data is equal to the following JSON:": (scene, { text }) => {
    assert.ok(scene.events.length > 0);
    for (const { data } of scene.events) assert.deepEqual(data, { json: JSON.parse(text) });
  },
};

if (existsSync(FOLDER)) {
  describe("the features of the CloudEvents project", () => {
    let gateway;
    before(async () => {
      gateway = await startSources();
    });
    after(() => gateway?.stop());

    for (const [file, count] of Object.entries(FEATURES)) {
      const scenarios = read(file);
      test(`${file} has ${count} scenarios`, () => assert.equal(scenarios.length, count));
      for (const { name, steps } of scenarios) {
        test(`${file}: ${name}`, async () => {
          const scene = { gateway, events: [] };
          for (const { text, argument } of steps) {
            assert.ok(STEPS[text], `there is no step "${text}"`);
            await STEPS[text](scene, {
              text: argument?.docString?.content,
              rows: argument?.dataTable && table(argument.dataTable),
            });
          }
        });
      }
    }
  });
} else {
  console.log("skipped: 7 scenarios of the CloudEvents project, which are not in ../shared/suites");
}

function read(file) {
  const newId = IdGenerator.incrementing();
  const parser = new Parser(new AstBuilder(newId), new GherkinClassicTokenMatcher());
  return compile(parser.parse(readFileSync(`${FOLDER}/${file}`, "utf8")), file, newId);
}

// A table's rows below its first one, as names and values.
function table({ rows }) {
  return Object.fromEntries(rows.slice(1).map(({ cells }) => cells.map(({ value }) => value)));
}

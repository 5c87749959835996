#!/usr/bin/env bash
# npm cloudevents 10.0.0, PyPI cloudevents 2.2.0 and Go module
# github.com/cloudevents/sdk-go/v2, version 2.16.2.
#
# A good engineer would guess: `time` is optional, so an event that comes without it is read
#   without it, and goes on as it came.
# What really happens: only the SDK for Go does that. The one for Python and `HTTP.toEvent` of
#   the one for JavaScript write the time of reading into the event, which nothing tells from a
#   producer's own. `Kafka.toEvent` does so in binary mode, and in structured mode throws
#   "Invalid time value".
# Why it matters: each redelivery of one event has another time, a replay of old events has
#   today's, and what orders, windows or expires by `time` works on invented ones. Through a
#   forwarder the invention becomes the event's own. Who produces events does well to write
#   `time`, whatever the specification allows.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0

echo '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x"}' > event.json
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import cloudevents from "cloudevents";

const { HTTP, Kafka } = cloudevents;
const text = readFileSync("event.json", "utf8");
const headers = { "content-type": "application/cloudevents+json" };
const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const named = (prefix) => Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value]));
const CASES = {
  "HTTP, structured": () => HTTP.toEvent({ headers, body: text }),
  "HTTP, binary": () => HTTP.toEvent({ headers: named("ce-"), body: "x" }),
  "Kafka, structured": () => Kafka.toEvent({ headers, value: text }),
  "Kafka, binary": () => Kafka.toEvent({ headers: named("ce_"), value: "x" }),
};
for (const [name, read] of Object.entries(CASES)) {
  const start = Date.now();
  let seen;
  try {
    const { time } = read();
    const isOfNow = start <= Date.parse(time) && Date.parse(time) <= Date.now();
    seen = time === undefined ? "no time" : isOfNow ? "the time of reading" : time;
  } catch (error) {
    seen = error.message;
  }
  console.log(`JavaScript, ${name}: ${seen}`);
}
JS
cat > finding.py <<'PYTHON'
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

TEXT = open("event.json", "rb").read()
JSON = "application/cloudevents+json"
CASES = {
    "HTTP": lambda: from_http_event(HTTPMessage({"content-type": JSON}, TEXT)),
    "Kafka": lambda: from_kafka_event(KafkaMessage({"content-type": JSON.encode()}, None, TEXT)),
}
for name, read in CASES.items():
    start = datetime.now(timezone.utc)
    time = read().get_time()
    is_of_now = time and start <= time <= datetime.now(timezone.utc)
    print(f"Python, {name}, structured: {'the time of reading' if is_of_now else time or 'no time'}")
PYTHON
cat > go.mod <<'MOD'
module finding

go 1.23

require github.com/cloudevents/sdk-go/v2 v2.16.2
MOD
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

func main() {
	text, _ := os.ReadFile("event.json")
	var event cloudevents.Event
	if err := json.Unmarshal(text, &event); err != nil {
		panic(err)
	}
	seen := event.Time().String()
	if event.Time().IsZero() {
		seen = "no time"
	}
	fmt.Println("Go, structured:", seen)
}
GO
go mod tidy 2> /dev/null
{ node finding.mjs; venv/bin/python finding.py; go run .; } | tee seen
diff - seen <<'TEXT' || { echo "That is not as stated any more."; exit 1; }
JavaScript, HTTP, structured: the time of reading
JavaScript, HTTP, binary: the time of reading
JavaScript, Kafka, structured: Invalid time value
JavaScript, Kafka, binary: the time of reading
Python, HTTP, structured: the time of reading
Python, Kafka, structured: the time of reading
Go, structured: no time
TEXT

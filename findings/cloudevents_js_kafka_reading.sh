#!/usr/bin/env bash
# npm cloudevents 10.0.0.
#
# A good engineer would guess: `Kafka.toEvent` gives back what `Kafka.binary` was given, and
#   more than that, any event that the Kafka binding allows: one without data has a message
#   without value (3.2.2), and a message may be without key whatever attributes the event
#   has (3.1).
# What really happens: an event without data throws "Value is null or undefined", also if
#   `Kafka.binary` of the same package made the message. The attribute `partitionkey` is
#   overwritten by the message's key, and is gone if there is none, in both modes.
# Why it matters: one tombstone or one plain signal stops a consumer that does not expect
#   exceptions; a partition key in an attribute alone is lost without a word. PyPI
#   cloudevents 2.2.0 reads all three.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0

cat > messages.json <<'JSON'
{
  "with data":       { "headers": { "ce_specversion": "1.0", "ce_id": "1", "ce_source": "/s", "ce_type": "t", "ce_time": "2026-11-29T08:00:00Z" }, "value": "x" },
  "without data":    { "headers": { "ce_specversion": "1.0", "ce_id": "1", "ce_source": "/s", "ce_type": "t", "ce_time": "2026-11-29T08:00:00Z" }, "value": null },
  "key, binary":     { "headers": { "ce_specversion": "1.0", "ce_id": "1", "ce_source": "/s", "ce_type": "t", "ce_time": "2026-11-29T08:00:00Z", "ce_partitionkey": "k" }, "value": "x" },
  "key, structured": { "headers": { "content-type": "application/cloudevents+json" }, "value": "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"time\":\"2026-11-29T08:00:00Z\",\"partitionkey\":\"k\",\"data\":\"x\"}" }
}
JSON
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import cloudevents from "cloudevents";

const { CloudEvent, Kafka } = cloudevents;
const read = (name, message) => {
  try {
    const { data, partitionkey } = Kafka.toEvent({ key: null, ...message });
    console.log(`${name}: data ${data ?? "none"}, partitionkey ${partitionkey ?? "none"}`);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
};
for (const [name, message] of Object.entries(JSON.parse(readFileSync("messages.json")))) read(name, message);
read("its own, without data", Kafka.binary(new CloudEvent({ source: "/s", type: "t" })));
JS
cat > finding.py <<'PYTHON'
import json

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

for name, message in json.load(open("messages.json")).items():
    headers = {key: value.encode() for key, value in message["headers"].items()}
    event = from_kafka_event(KafkaMessage(headers, None, message["value"] and message["value"].encode()))
    print(f"{name}: data {event.get_data() or 'none'}, partitionkey {event.get_extension('partitionkey') or 'none'}")
PYTHON

cat > stated-javascript <<'TEXT'
with data: data x, partitionkey none
without data: Value is null or undefined
key, binary: data x, partitionkey none
key, structured: data x, partitionkey none
its own, without data: Value is null or undefined
TEXT
cat > stated-python <<'TEXT'
with data: data x, partitionkey none
without data: data none, partitionkey none
key, binary: data x, partitionkey k
key, structured: data x, partitionkey k
TEXT
node finding.mjs > javascript
venv/bin/python finding.py > python
for language in javascript python; do
    printf '%s\n' "$language"
    sed 's/^/  /' "$language"
    cmp --silent "$language" "stated-$language" || { echo "That is not as stated any more."; exit 1; }
done

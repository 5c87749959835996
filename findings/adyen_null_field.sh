#!/usr/bin/env bash
# npm @adyen/api-library 32.1.0 and PyPI Adyen 16.0.0.
#
# A good engineer would guess: Adyen's two libraries sign a payment notification alike,
#   because both join the same eight fields with colons.
# What really happens: they agree on text, numbers and fields that are missing. Where the
#   JSON has null or a boolean, the one for Python signs its own spelling of it, "None" and
#   "True", and the one for JavaScript an empty text and "true".
# Why it matters: a test double that writes `"originalReference": null` or `"success": true`
#   and signs with one library is refused by the other, and a verifier that reads the fields
#   itself can agree with one of them only.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @adyen/api-library@32.1.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check Adyen==16.0.0

cat > items.json <<'JSON'
{
  "text":    { "originalReference": "A1", "success": "true" },
  "missing": { "success": "true" },
  "null":    { "originalReference": null, "success": "true" },
  "boolean": { "originalReference": "A1", "success": true }
}
JSON
cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import adyen from "@adyen/api-library";

const common = { pspReference: "A2", merchantAccountCode: "Test", merchantReference: "1", amount: { value: 1130, currency: "EUR" }, eventCode: "CAPTURE" };
for (const [name, fields] of Object.entries(JSON.parse(readFileSync("items.json"))))
  console.log(name, new adyen.hmacValidator().calculateHmac({ ...common, ...fields }, "00112233445566778899aabbccddeeff"));
JS
cat > finding.py <<'PYTHON'
import json

from Adyen.util import generate_notification_sig

COMMON = {"pspReference": "A2", "merchantAccountCode": "Test", "merchantReference": "1", "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "CAPTURE"}
for name, fields in json.load(open("items.json")).items():
    print(name, generate_notification_sig({**COMMON, **fields}, "00112233445566778899aabbccddeeff").decode())
PYTHON
node finding.mjs > javascript
venv/bin/python finding.py > python

while read -r name stated; do
    one=$(grep "^$name " javascript) other=$(grep "^$name " python)
    if [ "$one" = "$other" ]; then seen=alike; else seen=differently; fi
    printf 'JavaScript %s\nPython     %s: signed %s\n' "$one" "$other" "$seen"
    [ "$seen" = "$stated" ] && continue
    echo "That is not \"$stated\" any more." && exit 1
done <<'TEXT'
text alike
missing alike
null differently
boolean differently
TEXT

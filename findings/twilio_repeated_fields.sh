#!/usr/bin/env bash
# PyPI twilio 9.13.0 and npm twilio 6.3.1.
#
# A good engineer would guess: the validator takes a form as the language's own parser gives
#   it (in Python `urllib.parse.parse_qs`, a dict of lists), and both of Twilio's packages
#   check the same things.
# What really happens: the package for Python raises TypeError ("unhashable type: 'list'")
#   for such a dict. A list needs an object with `getlist` or `getall`, as frameworks have
#   them; the package for JavaScript takes lists. Both sign each value of a repeated field
#   once, sorted, whatever the order and number in the body are. And both try the address
#   without its port, whatever the port is, so that https://host:8443/ is accepted where
#   Twilio signed https://host/.
# Why it matters: a server without a framework answers 500 to each of Twilio's requests, and
#   a verifier that signs the pairs in the body's order, or the exact address alone, refuses
#   what Twilio's packages accept.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts twilio@6.3.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check twilio==9.13.0

cat > finding.py <<'PYTHON'
import base64
import hmac
from urllib.parse import parse_qs

from twilio.request_validator import RequestValidator

URL = "https://hooks.example.com/twilio"
BODY = "MediaUrl=b&MediaUrl=a&MediaUrl=b&Body=1"
SIGNED = "Body1MediaUrlaMediaUrlb"


class Form(dict):
    def getlist(self, name):
        return self[name]


def tried(what, url, form):
    signature = base64.b64encode(hmac.digest(b"test", (URL + SIGNED).encode(), "sha1")).decode()
    try:
        print(what, RequestValidator("test").validate(url, form, signature))
    except Exception as error:
        print(what, f"{type(error).__name__}: {error}")


tried("lists", URL, parse_qs(BODY))
tried("lists with getlist", URL, Form(parse_qs(BODY)))
tried("another port", URL.replace(".com", ".com:8443"), Form(parse_qs(BODY)))
PYTHON
cat > finding.mjs <<'JS'
import { createHmac } from "node:crypto";
import twilio from "twilio";

const url = "https://hooks.example.com/twilio";
const form = { MediaUrl: ["b", "a", "b"], Body: "1" };
const signature = createHmac("sha1", "test").update(`${url}Body1MediaUrlaMediaUrlb`).digest("base64");
console.log("lists", twilio.validateRequest("test", signature, url, form));
console.log("another port", twilio.validateRequest("test", signature, url.replace(".com", ".com:8443"), form));
JS
venv/bin/python finding.py > python
node finding.mjs > javascript
cat > python.stated <<'TEXT'
lists TypeError: unhashable type: 'list'
lists with getlist True
another port True
TEXT
printf 'lists true\nanother port true\n' > javascript.stated
for language in python javascript; do
    printf '\nThe package for %s says:\n' "$language"
    cat "$language"
    cmp --silent "$language" "$language.stated" && continue
    echo "That is not what is stated any more." && exit 1
done

#!/usr/bin/env bash
# npm google-auth-library 10.9.1 (11.3.4 does the same, and wants Node 22) and PyPI
# google-auth 2.63.0.
#
# A good engineer would guess: Google's two libraries take the same ID tokens, and refuse
#   one whose `exp` has passed.
# What really happens: the one for JavaScript takes a token until five minutes after `exp`
#   and from five minutes before `iat`, for which it has no option, and refuses a token that is
#   still valid for more than a day. The one for Python, unless it is told otherwise, takes
#   nothing after `exp` or before `iat`, and a token of any length.
# Why it matters: what checks the tokens of a Pub/Sub push and was tried against one of
#   them differs from the other by five minutes at both ends, so that a test at the edge
#   passes with one and fails with the other.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts google-auth-library@10.9.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check google-auth==2.63.0 cryptography==50.0.2
openssl genrsa -out key.pem 2048 2> /dev/null
openssl rsa -in key.pem -pubout -out public.pem 2> /dev/null

# Prints `iat` and `exp`, as seconds from now, and what the library says.
cat > finding.mjs <<'JS'
import { sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { OAuth2Client } from "google-auth-library";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = Math.floor(Date.now() / 1000);
const tokens = [[-3600, 600], [-3600, -240], [-3600, -360], [240, 3600], [360, 3600], [-60, 90000]].map(([iat, exp]) => {
  const text = `${part({ alg: "RS256", kid: "test" })}.${part({ iss: "https://accounts.google.com", aud: "test", iat: now + iat, exp: now + exp })}`;
  return [iat, exp, `${text}.${sign("sha256", Buffer.from(text), readFileSync("key.pem")).toString("base64url")}`];
});
writeFileSync("tokens.json", JSON.stringify(tokens));
for (const [iat, exp, token] of tokens) {
  const answer = await new OAuth2Client()
    .verifySignedJwtWithCertsAsync(token, { test: readFileSync("public.pem", "utf8") }, "test", ["https://accounts.google.com"])
    .then(() => "taken", (error) => `refused (${error.message.split(/[,:]/)[0]})`);
  console.log(iat, exp, answer);
}
JS
cat > finding.py <<'PYTHON'
import json

from google.auth import exceptions, jwt

for iat, exp, token in json.load(open("tokens.json")):
    try:
        jwt.decode(token, certs={"test": open("public.pem", "rb").read()}, audience="test")
        answer = "taken"
    except exceptions.InvalidValue as error:
        answer = f"refused ({str(error).split(',')[0]})"
    print(iat, exp, answer)
PYTHON
node finding.mjs > javascript
venv/bin/python finding.py > python
cat > javascript.stated <<'TEXT'
-3600 600 taken
-3600 -240 taken
-3600 -360 refused (Token used too late)
240 3600 taken
360 3600 refused (Token used too early)
-60 90000 refused (Expiration time too far in future)
TEXT
cat > python.stated <<'TEXT'
-3600 600 taken
-3600 -240 refused (Token expired)
-3600 -360 refused (Token expired)
240 3600 refused (Token used too early)
360 3600 refused (Token used too early)
-60 90000 taken
TEXT
for language in javascript python; do
    printf '\nThe library for %s, with iat and exp as seconds from now:\n' "$language"
    cat "$language"
    cmp --silent "$language" "$language.stated" && continue
    echo "That is not what is stated any more." && exit 1
done

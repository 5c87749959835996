#!/usr/bin/env bash
# Go module github.com/cloudevents/sdk-go/v2, version 2.16.2, npm cloudevents 10.0.0 and PyPI
# cloudevents 2.2.0.
#
# A good engineer would guess: data is JSON to an SDK if `datacontenttype` says so, and the JSON
#   format (3.1.1) says which types do: `application/json`, and all that end in `/json` or
#   `+json`. So `application/vnd.acme.order+json` is treated as `application/json` is.
# What really happens: the SDK for Go refuses a structured event of such a type whose `data` is
#   an object ("expected a string"), and writes the JSON of a binary one as a JSON string. The
#   one for JavaScript reads an object in structured mode, and a text in binary mode, also for
#   `application/json;charset=utf-8`, which lacks the blank that it looks for. The one for Python
#   reads an object each time.
# Why it matters: whoever has media types of their own, as APIs with versions do, sends events
#   that receivers in Go turn away as malformed, and whose data changes its type where a
#   forwarder changes the mode. With `application/json`, and the version in `type` or
#   `dataschema`, all agree.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0
cat > go.mod <<'MOD'
module finding

go 1.23

require github.com/cloudevents/sdk-go/v2 v2.16.2
MOD
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// Returns `data` as the SDK writes it in structured mode.
func read(contentType, text string, attributes map[string]string) string {
	request, _ := http.NewRequest(http.MethodPost, "/", strings.NewReader(text))
	request.Header.Set("content-type", contentType)
	for name, value := range attributes {
		request.Header.Set("ce-"+name, value)
	}
	event, err := binding.ToEvent(context.Background(), cehttp.NewMessageFromHttpRequest(request))
	if err != nil {
		_, reason, _ := strings.Cut(err.Error(), ", ")
		return fmt.Sprintf("%.17s", reason)
	}
	var written struct{ Data json.RawMessage }
	whole, _ := json.Marshal(event)
	_ = json.Unmarshal(whole, &written)
	return string(written.Data)
}

func main() {
	attributes := map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
	event := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":%q,"data":{"a":1}}`, os.Args[1])
	fmt.Println(read("application/cloudevents+json", event, nil), "/", read(os.Args[1], `{"a":1}`, attributes))
}
GO
cat > finding.mjs <<'JS'
import cloudevents from "cloudevents";

const { HTTP } = cloudevents;
const [, , datacontenttype] = process.argv;
const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const body = JSON.stringify({ ...attributes, datacontenttype, data: { a: 1 } });
const structured = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body });
const headers = { "content-type": datacontenttype };
for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = value;
const binary = HTTP.toEvent({ headers, body: '{"a":1}' });
console.log([structured, binary].map(({ data }) => JSON.stringify(data)).join(" / "));
JS
cat > finding.py <<'PYTHON'
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
body = json.dumps({**ATTRIBUTES, "datacontenttype": sys.argv[1], "data": {"a": 1}}).encode()
headers = {"content-type": sys.argv[1], **{f"ce-{name}": value for name, value in ATTRIBUTES.items()}}
structured = HTTPMessage({"content-type": "application/cloudevents+json"}, body)
binary = HTTPMessage(headers, b'{"a":1}')
print(*[json.dumps(from_http_event(message).get_data(), separators=(",", ":")) for message in (structured, binary)], sep=" / ")
PYTHON
go mod tidy 2> /dev/null
go build -o finding .
# Of each type what the structured event has as its data, and what the binary one.
for type in application/json 'application/json; charset=utf-8' 'application/json;charset=utf-8' application/vnd.acme.order+json; do
    printf '%s\n' "$type"
    printf '  Go %s\n  JavaScript %s\n  Python %s\n' \
        "$(./finding "$type")" "$(node finding.mjs "$type")" "$(venv/bin/python finding.py "$type")"
done | tee seen
cmp --silent seen - <<'TEXT' && exit
application/json
  Go {"a":1} / {"a":1}
  JavaScript {"a":1} / {"a":1}
  Python {"a":1} / {"a":1}
application/json; charset=utf-8
  Go {"a":1} / {"a":1}
  JavaScript {"a":1} / {"a":1}
  Python {"a":1} / {"a":1}
application/json;charset=utf-8
  Go {"a":1} / {"a":1}
  JavaScript {"a":1} / "{\"a\":1}"
  Python {"a":1} / {"a":1}
application/vnd.acme.order+json
  Go expected a string / "{\"a\":1}"
  JavaScript {"a":1} / "{\"a\":1}"
  Python {"a":1} / {"a":1}
TEXT
echo "That is not as stated any more." && exit 1

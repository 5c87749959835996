#!/usr/bin/env bash
# PyPI httpx-sse 0.4.3.
#
# A good engineer would guess: a block of lines without `data` yields no event, since the
#   HTML standard says so; a heartbeat (a comment and a blank line) never yields one.
# What really happens: a block with only `id` or `retry` yields an event whose data is
#   empty. A heartbeat yields none at first, but as soon as one event had an `id`, each
#   blank line yields an event with that `id` and empty data.
# Why it matters: a heartbeat that looks right in a test without ids breaks a client that
#   calls `event.json()` once the gateway's stream carries ids. Comments that no blank
#   line follows, and ids that stand with their data, yield only the real events.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
    httpx-sse==0.4.3 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 \
    certifi==2026.10.19.post1 idna==3.20 typing_extensions==4.16.0
cat > "$place/finding.py" <<'PYTHON'
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from threading import Thread

import httpx
from httpx_sse import connect_sse

print(f"PyPI httpx-sse {version('httpx-sse')}, httpx {version('httpx')}")

STATED = [
    ("id: 1\n\n", [("1", "")]),
    ("retry: 2000\n\n", [("", "")]),
    (":\n\n", []),
    ("id: 1\ndata: a\n\n:\n\n:\n\n", [("1", "a"), ("1", ""), ("1", "")]),
    ("id: 1\ndata: a\n\n:\n:\nid: 2\ndata: b\n\n", [("1", "a"), ("2", "b")]),
]


class Streams(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(STATED[int(self.path[1:])][0].encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Streams)
Thread(target=server.serve_forever, daemon=True).start()
with httpx.Client(trust_env=False, timeout=10) as client:
    for number, (stream, stated) in enumerate(STATED):
        with connect_sse(client, "GET", f"http://127.0.0.1:{server.server_port}/{number}") as source:
            seen = [(event.id, event.data) for event in source.iter_sse()]
        print(f"The stream {stream!r} shows as (id, data): {seen}.")
        if seen != stated:
            sys.exit(f"That is not {stated} any more.")
PYTHON
"$place/venv/bin/python" "$place/finding.py"

"""Reads a stream with httpx-sse and prints each event as a line of JSON."""

import json
import sys

import httpx
from httpx_sse import connect_sse

with httpx.Client(timeout=60) as client:
    with connect_sse(client, "GET", sys.argv[1]) as source:
        for event in source.iter_sse():
            seen = {"type": event.event, "data": event.data, "id": event.id}
            print(json.dumps(seen), flush=True)

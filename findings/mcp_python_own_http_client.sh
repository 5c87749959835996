#!/usr/bin/env bash
# PyPI mcp 1.30.0 over httpx 0.28.1, and 2.3.0 over httpx2 2.16.2.
#
# A good engineer would guess: a credential is given as `http_client=httpx.AsyncClient(
#   headers=...)`, the one way that streamable_http_client has for it; everything else stays
#   as it was, and a tool that takes too long fails as that call alone.
# What really happens: the package's own client waits for minutes, but one of the program's
#   own has httpx's default of 5 seconds. A tool that answers after 7 ends the whole session
#   with ReadTimeout: not only its call is lost, but every later one.
# Why it matters: a gateway that tries Kafka again for some seconds, or waits for a record as
#   it was asked to, ends the sessions of all agents whose authors added a header. Examples
#   have to set `timeout`, and tests against such clients, too.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/1"
"$place/1/bin/pip" install --quiet --disable-pip-version-check \
    annotated-types==0.8.0 anyio==4.16.0 attrs==26.1.0 certifi==2026.10.19.post1 \
    cffi==2.1.1 click==8.5.1 cryptography==50.0.2 h11==0.16.0 httpcore==1.0.9 \
    httpx==0.28.1 httpx-sse==0.4.3 idna==3.20 jsonschema==4.26.0 \
    jsonschema-specifications==2025.9.1 mcp==1.30.0 pycparser==3.12 pydantic==2.14.4 \
    pydantic-settings==2.16.3 pydantic_core==2.50.5 PyJWT==2.15.1 python-dotenv==1.2.4 \
    python-multipart==0.0.34 referencing==0.37.0 rpds-py==2026.9.1 sse-starlette==3.7.0 \
    starlette==1.10.0 typing-inspection==0.4.5 typing_extensions==4.16.0 uvicorn==0.54.0
python3 -m venv "$place/2"
"$place/2/bin/pip" install --quiet --disable-pip-version-check \
    annotated-types==0.8.0 anyio==4.16.0 attrs==26.1.0 cffi==2.1.1 click==8.5.1 \
    cryptography==50.0.2 h11==0.16.0 httpcore2==2.16.2 httpx2==2.16.2 idna==3.20 \
    jsonschema==4.26.0 jsonschema-specifications==2025.9.1 mcp==2.3.0 mcp-types==2.3.0 \
    opentelemetry-api==1.45.2 pycparser==3.12 pydantic==2.14.4 pydantic_core==2.50.5 \
    PyJWT==2.15.1 python-multipart==0.0.34 referencing==0.37.0 rpds-py==2026.9.1 \
    sse-starlette==3.7.0 starlette==1.10.0 truststore==0.10.5 typing-inspection==0.4.5 \
    typing_extensions==4.16.0 uvicorn==0.54.0
cat > "$place/finding.py" <<'PYTHON'
import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

try:
    import httpx2 as httpx
    from mcp import Client
except ImportError:
    import httpx
    Client = None
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

NAMES = ["mcp", httpx.__name__]
print(", ".join(f"PyPI {name} {version(name)}" for name in NAMES))
SECONDS = 7


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "id" not in message:
            return self.answer(202)
        results = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "done"}]},
        }
        if message["method"] not in results:
            error = {"code": -32601, "message": "no such method"}
            return self.answer(200, {"error": error}, message)
        if message["method"] == "tools/call" and message["params"]["arguments"]["slow"]:
            time.sleep(SECONDS)
        self.answer(200, {"result": results[message["method"]]}, message)

    def do_GET(self):
        self.answer(405)

    def answer(self, status, body=None, message=None):
        text = json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}).encode() if body else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text)
        except OSError:
            pass

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_port}/"


def name_of(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def use(http_client):
    seen = []
    try:
        async with AsyncExitStack() as stack:
            if http_client:
                await stack.enter_async_context(http_client)
            streams = streamable_http_client(URL, **({"http_client": http_client} if http_client else {}))
            if Client:
                session = await stack.enter_async_context(Client(streams))
            else:
                reading, writing, *_ = await stack.enter_async_context(streams)
                session = await stack.enter_async_context(ClientSession(reading, writing))
                await session.initialize()
            for slow in (False, True, False):
                try:
                    result = await session.call_tool("t", {"slow": slow})
                    seen.append(result.content[0].text)
                except Exception as error:
                    seen.append(name_of(error))
    except Exception as error:
        seen.append(f"the session ends: {name_of(error)}")
    return seen


STATED = ["done", "the session ends: ReadTimeout: "]

own = asyncio.run(use(httpx.AsyncClient(headers={"authorization": "Bearer x"})))
theirs = asyncio.run(use(None))
print("With a client of the program's own:", own)
print("With the client that the package makes:", theirs)
if own != STATED:
    sys.exit(f"That is not {STATED} any more.")
if theirs != ["done"] * 3:
    sys.exit("The package's own client does not wait either now.")
PYTHON
"$place/1/bin/python" "$place/finding.py"
"$place/2/bin/python" "$place/finding.py"

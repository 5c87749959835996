"""PyPI's mcp, 2.x and 1.x: connects, lists the tools and calls some.

What is wanted comes as JSON on the standard input (`url`, `headers`, `calls`), and what
came of it goes to the standard output.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

try:
    # 2.x: the client of both eras, over httpx2.
    import httpx2 as httpx
    from mcp import Client, MCPError as ProtocolError
    from mcp.client.streamable_http import streamable_http_client
except ImportError:
    # 1.x: a session of 2025-11-25, over httpx.
    import httpx
    from mcp import ClientSession, McpError as ProtocolError
    from mcp.client.streamable_http import streamable_http_client

    Client = None


async def connect(stack, wanted):
    # Without a time-out httpx gives up after five seconds, and the session with it.
    http = await stack.enter_async_context(httpx.AsyncClient(headers=wanted["headers"], timeout=60))
    transport = streamable_http_client(wanted["url"], http_client=http)
    if Client:
        client = await stack.enter_async_context(Client(transport))
        return client, client.protocol_version
    reading, writing, _ = await stack.enter_async_context(transport)
    session = await stack.enter_async_context(ClientSession(reading, writing))
    return session, (await session.initialize()).protocolVersion


def refused(error):
    """What the caller of a client is told."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ProtocolError):
        return {"code": error.error.code, "message": error.error.message}
    return {"code": None, "message": f"{type(error).__name__}: {error}"}


async def outcome(client, call):
    try:
        result = await client.call_tool(call["name"], call["arguments"])
    except ProtocolError as error:
        return refused(error)
    is_error = result.is_error if Client else result.isError
    return {"text": result.content[0].text, "isError": bool(is_error)}


async def drive(wanted, answer):
    async with AsyncExitStack() as stack:
        client, answer["version"] = await connect(stack, wanted)
        answer["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        answer["outcomes"] = [await outcome(client, call) for call in wanted["calls"]]


answer = {}
try:
    asyncio.run(drive(json.load(sys.stdin), answer))
except Exception as error:
    answer["refused"] = refused(error)
json.dump(answer, sys.stdout)

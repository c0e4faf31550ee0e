"""A server and a client on the Python SDK 2.x: `python2.py`, and `python2.py COMMAND...` for the server that it runs."""

import asyncio
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("orders", log_level="CRITICAL")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("no such order: 42 – ¡ay!")


@server.tool()
async def count(context: Context) -> str:
    """Reports progress."""
    await context.report_progress(1, 2, "one")
    await context.report_progress(2, 2, "two")
    return "counted"


@server.tool()
async def wait() -> str:
    """Waits for longer than anybody does."""
    await asyncio.sleep(60)
    return "waited"


async def progress(*_: object) -> None:
    pass


async def main() -> None:
    async with Client(StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])) as client:
        await client.list_tools()
        await asyncio.gather(*(client.call_tool("add", {"a": n, "b": 1}) for n in range(3)))
        await client.call_tool("add", {"a": 1, "b": 2, "prompt": "To know the sum"})
        await client.call_tool("fail", {})
        await client.call_tool("count", {}, progress_callback=progress)
        try:
            await client.call_tool("wait", {}, read_timeout_seconds=0.2)
        except MCPError:
            pass
        try:
            await client.call_tool("absent", {"prompt": "To see what happens"})
        except MCPError:
            pass


if len(sys.argv) == 1:
    server.run()
else:
    asyncio.run(main())

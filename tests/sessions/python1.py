"""A server and a client on the Python SDK 1.x: `python1.py`, and `python1.py COMMAND...` for the server that it runs."""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("orders", log_level="CRITICAL")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("no such order: 42 – ¡ay!")


@server.tool()
async def ask(context: Context) -> str:
    """Asks the client for its roots, and reports progress."""
    await context.report_progress(1, 2, "asking")
    await context.info("asking")
    return str((await context.session.list_roots()).roots[0].uri)


async def roots(_: object) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///srv/orders", name="orders")])


async def progress(*_: object) -> None:
    pass


async def main() -> None:
    parameters = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write, list_roots_callback=roots) as session:
            await session.initialize()
            await session.list_tools()
            await asyncio.gather(*(session.call_tool("add", {"a": n, "b": 1}) for n in range(3)))
            await session.call_tool("add", {"a": 1, "b": 2, "prompt": "To know the sum"})
            await session.call_tool("add", {"a": "one", "b": 2})
            await session.call_tool("fail", {})
            await session.call_tool("ask", {}, progress_callback=progress)
            await session.call_tool("absent", {"prompt": "To see what happens"})


if len(sys.argv) == 1:
    server.run()
else:
    asyncio.run(main())

"""What a client on the Python SDK 1.x sees of a server: one JSON line for each answer."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def look(session: ClientSession) -> None:
    seen = [await session.initialize(), await session.list_tools()]
    for name, arguments in json.loads(sys.argv[1]):
        try:
            seen.append(await session.call_tool(name, arguments))
        except Exception as error:  # noqa: BLE001: what it is called is what the client sees
            seen.append({"error": str(error)})
    for answer in seen:
        answer = answer if isinstance(answer, dict) else answer.model_dump(mode="json")
        print(json.dumps(answer, sort_keys=True))


async def main() -> None:
    how, where = sys.argv[2], sys.argv[3:]
    if how == "http":
        async with streamablehttp_client(where[0]) as (read, write, _):
            async with ClientSession(read, write) as session:
                await look(session)
    else:
        parameters = StdioServerParameters(command=where[0], args=where[1:])
        async with stdio_client(parameters) as (read, write):
            async with ClientSession(read, write) as session:
                await look(session)


asyncio.run(main())

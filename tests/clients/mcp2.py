"""What a client on the Python SDK 2.x sees of a server, in the era named: one JSON line for each answer."""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


async def main() -> None:
    mode, how, where = sys.argv[2], sys.argv[3], sys.argv[4:]
    if how == "http":
        server = where[0]
    else:
        server = StdioServerParameters(command=where[0], args=where[1:])
    async with Client(server, mode=mode) as client:
        seen = [await client.list_tools()]
        for name, arguments in json.loads(sys.argv[1]):
            try:
                seen.append(await client.call_tool(name, arguments))
            except Exception as error:  # noqa: BLE001: what it is called is what the client sees
                seen.append({"error": str(error)})
        for answer in seen:
            answer = answer if isinstance(answer, dict) else answer.model_dump(mode="json")
            print(json.dumps(answer, sort_keys=True))


asyncio.run(main())

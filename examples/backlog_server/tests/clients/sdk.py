"""The official Python SDK, 1.x or 2.x, from its first request to its last: registration, consent, tokens, calls, a
refresh, and the end when its user revokes. `sdk.py MCP_URL EMAIL`
"""

import asyncio
import contextlib
import logging
import sys
import time
import urllib.parse

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

import browser

URL, EMAIL = sys.argv[1:]
REDIRECT = "http://127.0.0.1:3999/callback"


class Memory:
    """What a client keeps between runs."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    """Who sits at the browser that the client opens."""

    def __init__(self):
        self.decision, self.asked = "approve", 0

    async def opens(self, url):
        self.asked += 1
        there = await asyncio.to_thread(browser.decide, url, EMAIL, self.decision)
        assert there.startswith(REDIRECT), there
        self.answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(there).query))

    async def comes_back(self):
        if "error" in self.answer:
            raise RuntimeError(self.answer["error"])
        try:
            from mcp.shared.auth import AuthorizationCodeResult
        except ImportError:
            return self.answer["code"], self.answer["state"]
        return AuthorizationCodeResult(**self.answer)


@contextlib.asynccontextmanager
async def connect(provider):
    """Yields a function that calls a tool, and the number of tools."""
    try:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client
    except ImportError:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with streamablehttp_client(URL, auth=provider) as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                tools = (await session.list_tools()).tools
                yield session.call_tool, len(tools)
    else:
        async with httpx2.AsyncClient(auth=provider) as http:
            async with Client(streamable_http_client(URL, http_client=http)) as client:
                tools = (await client.list_tools()).tools
                yield client.call_tool, len(tools)


def structured(result):
    result = result.model_dump(mode="json", by_alias=True)
    assert not result.get("isError"), result
    return result["structuredContent"]


async def main(person, answers):
    memory = Memory()
    metadata = OAuthClientMetadata(client_name="Trust me", redirect_uris=[REDIRECT])
    provider = OAuthClientProvider(URL, metadata, memory, person.opens, person.comes_back)
    async with connect(provider) as (call, tools):
        assert tools >= 20 and person.asked == 1, (tools, person.asked)
        print(f"registered, approved, {tools} tools")
        made = structured(await call("create_feature", {"title": "By the SDK", "description": "To be read back"}))
        read = structured(await call("get_feature", {"feature_id": made["feature_id"]}))
        assert "By the SDK" in str(read), read
        print("wrote, and read it back")

        first = memory.tokens.access_token
        provider.context.token_expiry_time = time.time() - 1
        structured(await call("get_project", {}))
        assert memory.tokens.access_token != first and person.asked == 1
        print("refreshed its token without asking")

        revoked = await asyncio.to_thread(browser.revoke, URL, EMAIL)
        assert revoked == 1, revoked
        person.decision = "refuse"
        answers.append(await asyncio.wait_for(call("get_project", {}), 10))


# The refusal ends the client's transport, and with it `main`.
person, answers = Person(), []
logging.disable()
try:
    asyncio.run(main(person, answers))
except BaseExceptionGroup as group:
    refused, rest = group.split(lambda error: "access_denied" in str(error))
    if rest or not refused:
        raise
assert person.decision == "refuse" and person.asked == 2 and not answers, (person.asked, answers)
print("revoked: the next call was refused, and so was the client, which asked again")

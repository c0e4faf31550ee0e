"""Calls the tools of a stdio server with the Python SDK, alone, behind the proxy, and behind it with the intent, and holds
what it sees against each other and against what an ingest got.

    look.py PROXY CALLS COMMAND...

With `--inside` in place of the proxy, the server puts streams around its own. A `PROTOCOL` names one that does without a
handshake; a `HANDSHAKE` is the version that a handshake asks for in place of the newest."""

import asyncio
import copy
import http.server
import json
import os
import sys
import threading

import mcp.client.session
from mcp import Client, StdioServerParameters

newest = mcp.client.session.LATEST_HANDSHAKE_VERSION
mcp.client.session.LATEST_HANDSHAKE_VERSION = os.environ.get("HANDSHAKE", newest)

received: list[dict] = []


class Ingest(http.server.BaseHTTPRequestHandler):
    # A page, for a server that fetches.
    def do_GET(self) -> None:
        page = b"<html><head><title>Orders</title></head><body><p>There are three orders.</p></body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.extend(json.loads(body)["payload"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


OURS = "Optional. One or two sentences on the goal behind this call"
INTENT = "To see what the server makes of it"


def has_property(tool: dict) -> bool:
    prompt = tool["input_schema"].get("properties", {}).get("prompt", {})
    return isinstance(prompt, dict) and prompt.get("description", "").startswith(OURS)


def without_property(listed: dict) -> dict:
    listed = copy.deepcopy(listed)
    for tool in listed["tools"]:
        schema = tool["input_schema"]
        if has_property(tool):
            del schema["properties"]["prompt"]
        if schema.get("properties") == {}:
            del schema["properties"]
    return listed


async def look(command: str, arguments: list[str], calls: list, env: dict[str, str]) -> list:
    server = StdioServerParameters(command=command, args=arguments, env={**os.environ, **env})
    async with Client(server, mode=os.environ.get("PROTOCOL", "legacy")) as client:
        seen = [await client.list_tools()]
        asking = {tool["name"] for tool in seen[0].model_dump(mode="json")["tools"] if has_property(tool)}
        for name, given in calls:
            given = {**given, "prompt": INTENT} if name in asking else given
            try:
                seen.append(await client.call_tool(name, given))
            except Exception as error:  # noqa: BLE001: what it is called is what the client sees
                seen.append({"error": str(error)})
        dump = lambda a: a if isinstance(a, dict) else a.model_dump(mode="json")
        return [dump(answer) for answer in seen]


def main() -> None:
    ingest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    here = f"http://127.0.0.1:{ingest.server_port}/"
    proxy, calls, command = sys.argv[1], json.loads(sys.argv[2].replace("HERE", here)), sys.argv[3:]
    threading.Thread(target=ingest.serve_forever, daemon=True).start()
    env = {
        "INGEST": here,
        "USAGE_PROXY_WIRE": "reo_batch",
        "USAGE_PROXY_ENDPOINT": here,
        "USAGE_PROXY_API_KEY": "test-key-1",
        "USAGE_PROXY_PRODUCT_ID": "servers",
        "USAGE_PROXY_USER": "rachel@example.com",
    }
    for name in ("DO_NOT_TRACK", "PACKAGE_TRACKER_ANALYTICS"):
        os.environ.pop(name, None)
    def behind_it(*options: str) -> list:
        started = [*command, proxy, *options] if proxy == "--inside" else [proxy, *options, "--", *command]
        return asyncio.run(look(started[0], started[1:], calls, env))

    alone = asyncio.run(look(command[0], command[1:], calls, {}))
    behind = behind_it()
    assert alone == behind, f"alone: {alone}\nbehind it: {behind}"
    reported = list(received)
    received.clear()
    asked = behind_it("--intent")
    assert any(map(has_property, asked[0]["tools"])), asked[0]
    plain = [without_property(alone[0]), *alone[1:]]
    assert plain == [without_property(asked[0]), *asked[1:]], f"alone: {alone}\nwith the intent: {asked}"
    of_calls = [event["meta"] for event in received if event["activity_type"] == "MCP_TOOL_CALL"]
    asking = {tool["name"] for tool in asked[0]["tools"] if has_property(tool)}
    assert [meta["tool"] for meta in of_calls] == [name for name, _ in calls], of_calls
    for meta in of_calls:
        assert (meta.get("prompt") == INTENT) == (meta["tool"] in asking), meta
    received[:] = reported
    called = [event for event in received if event["activity_type"] == "MCP_TOOL_CALL"]
    assert any(event["meta"]["outcome"] == "ok" for event in called), "no call succeeds"
    assert [event["meta"]["tool"] for event in called] == [name for name, _ in calls], called
    for event, answer in zip(called, alone[1:]):
        meta = event["meta"]
        failed = "error" in answer or answer.get("is_error")
        assert (meta["outcome"] == "ok") == (not failed), (meta, answer)
        assert event["user_id"] == "rachel@example.com", event
        assert meta["client_name"] == "mcp" and meta["transport"] == "stdio", meta
        assert meta["server_name"], meta
        assert meta["session_id"], meta
    listed = [event for event in received if event["activity_type"] == "MCP_INIT"]
    tools = [tool["name"] for tool in alone[0]["tools"]]
    assert listed and sorted(listed[0]["meta"]["tools"]) == sorted(tools), listed
    for event in called:
        meta = event["meta"]
        print(f"  {meta['server_name']} {meta['tool']} {meta['outcome']} {meta['duration_ms']} ms {meta.get('error', '')[:60]}")
    print(f"  the same {len(alone)} answers, and {len(received)} events")


main()

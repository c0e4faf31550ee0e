"""Starts a server as each configuration of the README says: the command, its arguments and its environment as they stand there,
from a directory in which `npx` finds the package. Beside what is written there, the environment names the ingest alone, and the
file of settings is in a directory of this script's."""

import asyncio
import http.server
import json
import os
import re
import sys
import tempfile
import threading
from pathlib import Path

from mcp import Client, StdioServerParameters

received: list[dict] = []


class Ingest(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append({"key": self.headers["X-API-KEY"], **json.loads(body)["payload"]})
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


async def call(server: StdioServerParameters) -> str:
    async with Client(server, mode="legacy") as client:
        answer = await client.call_tool("echo", {"message": "hi"})
        return answer.content[0].text


def main() -> None:
    readme, directory = Path(sys.argv[1]).read_text(), sys.argv[2]
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", readme, re.DOTALL)]
    configurations = [block.get("mcpServers") or block.get("servers") for block in blocks]
    *files, settings = [block for block, is_one in zip(blocks, configurations) if not is_one]
    assert not files, "one file of settings is shown"
    servers = [server for of_client in configurations if of_client for server in of_client.values()]
    assert len(servers) == 2, "two configurations are shown"
    ingest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    threading.Thread(target=ingest.serve_forever, daemon=True).start()
    for name in list(os.environ):
        if name.startswith(("REO_", "USAGE_PROXY_")) or name in ("DO_NOT_TRACK", "PACKAGE_TRACKER_ANALYTICS"):
            del os.environ[name]
    with tempfile.TemporaryDirectory() as home:
        file = Path(home, "usage_proxy.json")
        file.write_text(json.dumps(settings))
        for server in servers:
            received.clear()
            shown = server["env"]
            env = {**shown, "USAGE_PROXY_ENDPOINT": f"http://127.0.0.1:{ingest.server_port}/"}
            if "USAGE_PROXY_CONFIG" in env:
                assert Path(env["USAGE_PROXY_CONFIG"]).name == file.name
                env["USAGE_PROXY_CONFIG"] = str(file)
            started = StdioServerParameters(
                command=server["command"], args=server["args"], env={"PATH": os.environ["PATH"], **env}, cwd=directory
            )
            said = asyncio.run(call(started))
            assert said == "Echo: hi", said
            called = [event for event in received if event["activity_type"] == "MCP_TOOL_CALL"]
            assert [event["meta"]["tool"] for event in called] == ["echo"], received
            [event] = called
            assert event["product_id"] == "everything" and event["user_id"] == "rachel@example.com", event
            assert event["key"] == "<your key>", event
            print(f"  {sorted(shown)}: {said!r}, and {len(received)} events")


main()

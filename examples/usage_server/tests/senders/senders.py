"""Reports to a usage server as others do: `senders.py reo|mcpeye|otlp ORIGIN KEY`."""

import asyncio
import sys

from mcp import types
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session

PEOPLE = ("rachel@example.com", "sam@example.com")
CALLS = 10


def shop():
    server = Server("shop", version="1.2.3")

    @server.list_tools()
    async def list_tools():
        schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        return [types.Tool(name=name, description="", inputSchema=schema) for name in ("search", "boom")]

    @server.call_tool(validate_input=False)
    async def call_tool(name, arguments):
        if name == "boom":
            raise ValueError("no such thing")
        return [types.TextContent(type="text", text="found")]

    return server


async def use(server, arguments_of):
    async with create_connected_server_and_client_session(server) as client:
        await client.list_tools()
        for person in PEOPLE:
            for n in range(CALLS):
                name = "boom" if n % 5 == 4 else "search"
                await client.call_tool(name, arguments_of(person, n))


def reo(origin, key):
    import reo_census_mcp

    def logger(**more):
        return reo_census_mcp.ReoProductUsageLogger(
            api_key=key,
            endpoint_url=f"{origin}/api/product/usage",
            product_id="shop",
            blocking=True,
            timeout=30.0,
            **more,
        )

    for person in PEOPLE:
        sent = logger(activity_type="MCP_IDENTITY_CAPTURE", user_id=person, user_id_type="EMAIL").log_usage()
        assert sent, person
    reo_census_mcp.instrument(
        logger=logger(),
        get_identity=lambda _, arguments: (arguments.get("who", "anonymous"), "EMAIL" if "who" in arguments else "ANONYMOUS"),
    )
    asked = lambda person, n: {"who": person, "query": f"q{n}", "prompt": f"find number {n}"}
    asyncio.run(use(shop(), asked))


def mcpeye(origin, key):
    import mcpeye as sdk

    server, who = shop(), {}
    sdk.track(
        server,
        "shop",
        ingest_url=origin,
        ingest_secret=key,
        client="claude",
        identify=lambda: {"userId": who["is"], "userEmail": who["is"]},
        flush_at=5,
    )

    def asked(person, n):
        who["is"] = person
        return {"query": f"q{n}", "mcpeyeIntent": f"find number {n}"}

    asyncio.run(use(server, asked))


def otlp(origin, key):
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode

    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.2.3"}))
    exporter = OTLPSpanExporter(
        endpoint=f"{origin}/v1/traces", headers={"x-api-key": key}, compression=Compression.Gzip
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("fastmcp")
    for person in PEOPLE:
        for n in range(CALLS):
            tool = "boom" if n % 5 == 4 else "search"
            attributes = {
                "mcp.method.name": "tools/call",
                "gen_ai.tool.name": tool,
                "enduser.id": person,
                "mcp.session.id": f"session of {person}",
            }
            with tracer.start_as_current_span(f"tools/call {tool}", kind=SpanKind.SERVER, attributes=attributes) as span:
                with tracer.start_as_current_span("SELECT goods", kind=SpanKind.CLIENT):
                    pass
                if tool == "boom":
                    span.set_status(Status(StatusCode.ERROR, "no such thing"))
    provider.shutdown()


if __name__ == "__main__":
    wire, origin, key = sys.argv[1:]
    {"reo": reo, "mcpeye": mcpeye, "otlp": otlp}[wire](origin, key)

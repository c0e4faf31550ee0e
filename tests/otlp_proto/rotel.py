"""Reads what rotel prints of the spans of `examples/send.rs`, and fails where that is not what was logged."""

import re
import sys

# What is asked of a span: its lines, and the attributes it may not have.
WHO = ["user.id: Str(u-1)", "user.email: Str(rachel@example.com)", "mcp_usage.user_id_type: Str(INTERNAL)"]
CALL = WHO + [
    "mcp.method.name: Str(tools/call)",
    "gen_ai.operation.name: Str(execute_tool)",
    "mcp.client.name: Str(claude)",
    "mcp.client.version: Str(4.2)",
    "mcp.protocol.version: Str(2025-11-25)",
    "network.transport: Str(tcp)",
    "network.protocol.name: Str(http)",
]
SPANS = {
    "mcp_usage.init": ("INTERNAL", "", ["mcp_usage.tools: Slice(Str(search), Str(checkout))"], ["user.id"]),
    "mcp_usage.login": ("INTERNAL", "", WHO, ["error.type"]),
    "tools/call search": (
        "SERVER",
        "b7ad6b7169203331",
        CALL
        + [
            "gen_ai.tool.name: Str(search)",
            "mcp_usage.outcome: Str(ok)",
            "mcp_usage.intent: Str(find a framework)",
            "jsonrpc.request.id: Str(1)",
            'gen_ai.tool.call.arguments: Str({"query":"ruby on rails"})',
            'gen_ai.tool.call.result: Str({"hits":2})',
        ],
        ["error.type"],
    ),
    "tools/call checkout": (
        "SERVER",
        "",
        CALL
        + [
            "gen_ai.tool.name: Str(checkout)",
            "mcp_usage.outcome: Str(tool_error)",
            "jsonrpc.request.id: Str(2)",
            "error.type: Str(tool_error)",
            "Name: exception",
            "exception.type: Str(tool_error)",
            "exception.message: Str(the basket is empty)",
        ],
        ["gen_ai.tool.call.arguments"],
    ),
    "mcp_usage.auth_rejected": ("INTERNAL", "", ["mcp_usage.meta.reason: Str(expired)"], ["user.id", "error.type"]),
}
FAILED = "Status code : STATUS_CODE_ERROR\nStatus message : the basket is empty"

printed = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdin.read())
resource, *blocks = re.split(r"^Span #\d+\n", printed, flags=re.M)
# As one line has it: no spaces around, and one within.
blocks = [[" ".join(line.split()).removeprefix("-> ") for line in block.splitlines()] for block in blocks]
faults = []


def ask(what, where, is_so):
    if not is_so:
        faults.append(f"{where}: {what}")


def value(lines, label):
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == label), None)


found = {value(lines, "Name"): lines for lines in blocks}
ask(f"the spans are {sorted(map(str, found))}", "all", found.keys() == SPANS.keys() and len(blocks) == len(SPANS))
for line in ["service.name: Str(shop)", "service.version: Str(1.2.3)", "telemetry.sdk.name: Str(mcp-usage)"]:
    ask(f"no {line}", "resource", f"-> {line}\n" in resource)
sessions = set()
for name, (kind, parent, lines, absent) in SPANS.items():
    span = found.get(name, [])
    ask(f"its kind is {value(span, 'Kind')}", name, value(span, "Kind") == f"SPAN_KIND_{kind}")
    ask(f"its parent is {value(span, 'Parent ID')}", name, value(span, "Parent ID") == parent)
    for line in lines:
        ask(f"no {line}", name, line in span)
    for attribute in absent:
        ask(f"has {attribute}", name, not any(line.startswith(f"{attribute}:") for line in span))
    is_error = FAILED in "\n".join(span)
    ask(f"its status is {is_error}", name, is_error == (name == "tools/call checkout"))
    if kind == "SERVER":
        sessions |= {value(span, "session.id"), value(span, "mcp.session.id")}
ask(f"the sessions are {sessions}", "all", len(sessions) == 1 and re.fullmatch(r"Str\([0-9a-f]{32}\)", str(*sessions)))
if faults:
    print(printed, *faults, sep="\n", file=sys.stderr)
sys.exit(1 if faults else 0)

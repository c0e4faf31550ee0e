#!/usr/bin/env python3
"""Runs the queries of the guide over spans that are made up, and compares each answer with the figures counted here.

The spans are those of a week and a half of a server with a few tools: calls of people and of anonymous sessions, all of one
tool or a sample, failures, calls of tools that clients make up, logins, refused logins and listings.
"""

import json
import random
import re
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

from chdb.session import Session

GUIDE = Path(__file__).resolve().parents[2] / "src/guide/destinations.md"
SPANS = 100_000
TOOLS = {"search": 0.6, "export": 0.25, "boom": 0.1, "refund": 0.05}
# Of these a part is sent; a failure always.
SAMPLE_RATES = {"search": 0.3, "boom": 0.125}
REASONS = ["expired", "missing", "forbidden", "rate_limited"]

# The columns of the exporter's table, without what only bears on how they are stored.
TABLE = """
CREATE TABLE otel_traces (
    Timestamp DateTime64(9),
    TraceId String,
    SpanId String,
    ParentSpanId String,
    TraceState String,
    SpanName LowCardinality(String),
    SpanKind LowCardinality(String),
    ServiceName LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String,
    ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String),
    Duration UInt64,
    StatusCode LowCardinality(String),
    StatusMessage String,
    `Events.Timestamp` Array(DateTime64(9)),
    `Events.Name` Array(LowCardinality(String)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)),
    `Links.TraceId` Array(String),
    `Links.SpanId` Array(String),
    `Links.TraceState` Array(String),
    `Links.Attributes` Array(Map(LowCardinality(String), String))
) ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
"""


def queries():
    """The queries of the guide, each by the text in front of it."""
    found = re.findall(r"^([^\n]+):\n\n```sql\n(.*?)```", GUIDE.read_text(), re.M | re.S)
    assert len(found) == GUIDE.read_text().count("```sql"), "a query has no title"
    return dict(found)


def spans(now):
    """Spans, none of which is so near to the bound of a query that it depends on the time of a run."""
    chance = random.Random(17)
    for number in range(SPANS):
        at = now - timedelta(seconds=chance.uniform(3_600, 10 * 86_400))
        if abs((now - at) - timedelta(days=7)) < timedelta(hours=1):
            at -= timedelta(hours=2)
        attributes = {"mcp_usage.instance": "0af7651916cd43dd", "mcp_usage.sequence": str(number)}
        user = {"user.id": f"u-{min(int(chance.expovariate(0.01)), 900)}", "mcp_usage.user_id_type": "ID"}
        session = f"{chance.randrange(5_000):032x}"
        # Of an anonymous call there is the session alone.
        attributes |= user if chance.random() < 0.8 else {"mcp.session.id": session, "session.id": session}
        name, kind, duration, status, message = "mcp_usage.login", "Internal", 0, "Unset", ""
        what = chance.random()
        if what < 0.9:
            tool = chance.choices(list(TOOLS), list(TOOLS.values()))[0]
            attributes |= {
                "mcp.method.name": "tools/call",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool,
                "mcp_usage.outcome": "ok",
            }
            name, kind = f"tools/call {tool}", "Server"
            duration = int(chance.lognormvariate(17, 1))
            is_unknown = chance.random() < 0.02
            if is_unknown:
                name, status, message = "tools/call", "Unset", "unknown tool"
                attributes |= {
                    "gen_ai.tool.name": chance.choice(["srch", "made up", f"t{number}"]),
                    "mcp_usage.unknown_tool": "true",
                    "mcp_usage.outcome": "protocol_error",
                    "mcp_usage.result_bytes": "0",
                    "error.type": "-32602",
                }
            elif chance.random() < (0.5 if tool == "boom" else 0.02):
                status, message = "Error", "it broke"
                attributes |= {"error.type": "tool_error", "mcp_usage.outcome": "tool_error"}
            else:
                if tool in SAMPLE_RATES:
                    # What is sampled is slower and larger here, so that a figure without weights is another.
                    attributes["mcp_usage.sample_rate"] = str(SAMPLE_RATES[tool])
                    duration *= 3
                if chance.random() < 0.9:
                    attributes["mcp_usage.result_bytes"] = str(int(chance.lognormvariate(7, 2)))
        elif what < 0.93:
            name = "mcp_usage.auth_rejected"
            attributes["mcp_usage.meta.reason"] = chance.choice(REASONS)
        elif what < 0.95:
            name, kind = "resources/read", "Server"
            attributes |= {"mcp.method.name": "resources/read", "mcp.resource.uri": "file:///notes/1"}
            duration = int(chance.lognormvariate(16, 1))
        elif what < 0.96:
            name = "mcp_usage.init"
            attributes["mcp_usage.tools"] = json.dumps(list(TOOLS))
        failed = status == "Error"
        stamp = at.strftime("%Y-%m-%d %H:%M:%S.%f000")
        yield {
            "Timestamp": stamp,
            "TraceId": f"{number:032x}",
            "SpanId": f"{number:016x}",
            "SpanName": name,
            "SpanKind": kind,
            "ServiceName": "shop",
            "ResourceAttributes": {"service.name": "shop", "deployment.environment.name": "PRODUCTION"},
            "ScopeName": "mcp-usage",
            "ScopeVersion": "0.1.0",
            "SpanAttributes": attributes,
            "Duration": duration,
            "StatusCode": status,
            "StatusMessage": message,
            "Events.Timestamp": [stamp] * failed,
            "Events.Name": ["exception"] * failed,
            "Events.Attributes": [{"exception.type": "tool_error", "exception.message": message}] * failed,
        }


def is_of_a_tool(attributes):
    return "mcp_usage.unknown_tool" not in attributes


def weight(call):
    """For how many calls one stands."""
    return 1 / float(call["SpanAttributes"].get("mcp_usage.sample_rate", 1))


def calls_of_the_week(rows, now):
    by_tool = defaultdict(list)
    for row in rows:
        attributes = row["SpanAttributes"]
        is_call = attributes.get("mcp.method.name") == "tools/call" and is_of_a_tool(attributes)
        at = datetime.strptime(row["Timestamp"][:26], "%Y-%m-%d %H:%M:%S.%f")
        if is_call and at.replace(tzinfo=timezone.utc) > now - timedelta(days=7):
            by_tool[row["SpanAttributes"]["gen_ai.tool.name"]].append(row)
    return by_tool


def quantile(level, weighted):
    """As ClickHouse's quantileExactWeighted has it: the first value up to which so much of the weight lies."""
    weighted = sorted((value, round(1000 * weight)) for value, weight in weighted)
    needed = level * sum(weight for _, weight in weighted)
    for value, weight in weighted:
        needed -= weight
        if needed <= 0:
            return value
    raise AssertionError("there are no values")


def users_by_tool(rows, now):
    users = lambda calls: len({call["SpanAttributes"].get("user.id") for call in calls} - {None})
    count = lambda calls: round(sum(map(weight, calls)))
    found = [(tool, users(calls), count(calls)) for tool, calls in calls_of_the_week(rows, now).items()]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def errors_and_p95(rows, now):
    found = []
    for tool, calls in calls_of_the_week(rows, now).items():
        failed = sum(weight(call) for call in calls if call["StatusCode"] == "Error")
        count = sum(map(weight, calls))
        p95 = quantile(0.95, [(call["Duration"], weight(call)) for call in calls])
        found.append((tool, round(count), failed / count, p95 / 1e6))
    return sorted(found, key=lambda row: (-row[2], row[0]))


def refused_logins(rows, _):
    refused = (row for row in rows if row["SpanName"] == "mcp_usage.auth_rejected")
    counts = Counter((row["Timestamp"][:10], row["SpanAttributes"]["mcp_usage.meta.reason"]) for row in refused)
    return sorted((day, reason, count) for (day, reason), count in counts.items())


def cost_of_results(rows, _):
    by_tool = defaultdict(list)
    for row in rows:
        size = row["SpanAttributes"].get("mcp_usage.result_bytes")
        if size is not None and is_of_a_tool(row["SpanAttributes"]):
            by_tool[row["SpanAttributes"]["gen_ai.tool.name"]].append((int(size), weight(row)))
    found = [(tool, quantile(0.5, sizes), max(sizes)[0]) for tool, sizes in by_tool.items()]
    return sorted(found, key=lambda row: (-row[1], row[0]))


EXPECTED = {
    "Users by tool": users_by_tool,
    "Error rate and 95th percentile of the duration by tool": errors_and_p95,
    "Refused logins by day and reason": refused_logins,
    "What results cost a model's context, by tool": cost_of_results,
}


def same(found, expected):
    if isinstance(expected, float):
        return abs(found - expected) <= 1e-9 * max(1, abs(expected))
    return found == expected


def main(folder):
    now = datetime.now(timezone.utc)
    rows = list(spans(now))
    path = Path(folder) / "spans.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    session = Session()
    session.query(TABLE)
    columns = ", ".join(f"`{name}`" for name in rows[0])
    session.query(f"INSERT INTO otel_traces ({columns}) SELECT {columns} FROM file('{path}', 'JSONEachRow', "
                  f"'{structure(rows[0])}')")
    count = str(session.query("SELECT count() FROM otel_traces", "CSV")).strip()
    assert count == str(SPANS), count
    found = queries()
    assert found.keys() == EXPECTED.keys(), f"the guide has {sorted(found)}, and {sorted(EXPECTED)} are expected"
    for title, query in found.items():
        answer = str(session.query(query, "JSONCompactEachRow"))
        answer = [tuple(number(value) for value in json.loads(line)) for line in answer.splitlines()]
        expected = EXPECTED[title](rows, now)
        is_same = len(answer) == len(expected) and all(
            len(one) == len(other) and all(map(same, one, other)) for one, other in zip(answer, expected)
        )
        assert is_same, f"{title}: {answer[:5]} is not {expected[:5]}"
        assert len(expected) > 1, f"{title}: there is nothing to tell apart"
        print(f"{title}: {len(answer)} rows, as expected")


def number(value):
    """Large integers are quoted in ClickHouse's JSON."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def structure(row):
    kinds = {"Timestamp": "DateTime64(9)", "Duration": "UInt64"}
    maps = "Map(String, String)"
    def kind(name, value):
        if name in kinds:
            return kinds[name]
        if name == "Events.Timestamp":
            return "Array(DateTime64(9))"
        if name == "Events.Name":
            return "Array(String)"
        if name == "Events.Attributes":
            return f"Array({maps})"
        return maps if isinstance(value, dict) else "String"
    return ", ".join(f"`{name}` {kind(name, value)}" for name, value in row.items())


if __name__ == "__main__":
    main(sys.argv[1])

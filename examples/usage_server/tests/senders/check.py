"""Checks what a usage server has of `senders.py`: `check.py reo|mcpeye|otlp DATABASE`."""

import sqlite3
import sys

wire, database = sys.argv[1:]
db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
failed = []
# reo-census-mcp wraps the handler within what turns an exception into a result: it sees no failure.
knows_failures = wire != "reo"


def check(what, sql, expected):
    found = db.execute(sql).fetchall()
    if found != expected:
        failed.append(f"{what}: {found}, expected {expected}")


calls = """SELECT user.text, name.text, intent.text, outcome FROM event
    JOIN user ON user.id = event.user JOIN name ON name.id = tool LEFT JOIN intent ON intent.id = event.intent
    WHERE event.kind = 1 AND user.text = '{}' ORDER BY time_ms, sequence, event.id"""
for person in ("rachel@example.com", "sam@example.com"):
    expected = [
        (
            person,
            "boom" if n % 5 == 4 else "search",
            None if wire == "otlp" else f"find number {n}",
            int(n % 5 == 4 and knows_failures),
        )
        for n in range(10)
    ]
    check(f"the timeline of {person}", calls.format(person), expected)
check("failures", "SELECT sum(calls) FROM roll_day WHERE outcome = 1", [(4 if knows_failures else None,)])
check("calls", "SELECT sum(calls) FROM roll_day", [(20,)])
if wire == "reo":
    check("logins", "SELECT count(*) FROM event WHERE kind = 3", [(2,)])
    check("listings", "SELECT count(*) FROM event WHERE kind = 5", [(1,)])
    check("tools", "SELECT count(*) FROM tool_listed", [(2,)])
if wire == "otlp":
    check("sessions", "SELECT calls, failed FROM session", [(10, 2), (10, 2)])
if wire != "reo":
    check("releases", "SELECT text FROM name WHERE kind = 3", [("1.2.3",)])
for line in failed:
    print(line, file=sys.stderr)
sys.exit(bool(failed))

"""Makes what a client saw comparable: JSON values from stdin, one line each, without what varies anyway.

`strict`: only the named values are taken out. `intent`: also the property that asks for an intent, from each input
schema that has it with our description, and `properties` where it was added for it alone.
"""

import json
import sys

# Session ids, dates, and ids of streams, by the names the clients print them under.
VARIES = {"sessionId", "session_id", "mcp-session-id", "date", "lastEventId", "id", "timestamp"}
OURS = "Optional. One or two sentences on the goal behind this call"


def same(value, intent):
    if isinstance(value, list):
        return [same(item, intent) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: same(item, intent) for name, item in value.items() if name not in VARIES}
    for name in ("inputSchema", "input_schema"):
        schema = value.get(name)
        if isinstance(schema, dict):
            properties = schema.get("properties", {})
            prompt = properties.get("prompt")
            if intent and isinstance(prompt, dict) and prompt.get("description", "").startswith(OURS):
                del properties["prompt"]
            if not properties:
                schema.pop("properties", None)
    return value


def values(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


for seen in values(sys.stdin.read()):
    print(json.dumps(same(seen, sys.argv[1] == "intent"), sort_keys=True, indent=1))

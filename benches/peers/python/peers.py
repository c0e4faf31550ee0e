"""The Python peers, measured as src/measure.rs measures the others: the same load, the same line of JSON.

usage: peers.py measure LOAD, where LOAD is the JSON of `measure::Load`.
"""

import json
import os
import random
import resource
import sys
import threading
import time
import urllib.request

WORDS = (
    "the report shows every region where revenue grew last quarter list open tickets of a customer with their history "
    "and find documents about billing which were changed since monday by our team"
).split()


def call(source, clean):
    """A tool call like that of src/event.rs. The secrets are put together here."""
    words = lambda count: " ".join(source.choice(WORDS) for _ in range(count))
    hexadecimal = lambda length: "".join(source.choice("0123456789abcdef") for _ in range(length))
    uuid = lambda: "-".join(hexadecimal(length) for length in (8, 4, 4, 4, 12))
    arguments = {
        "query": words(20),
        "customer": {
            "name": "Ada " + words(1),
            "contact": f"ada {hexadecimal(5)} of mail example" if clean else f"ada.{hexadecimal(5)}@mail.example.com",
            "tier": "pro",
        },
        "continue_with": words(7) if clean else "-".join(["sk", "proj", hexadecimal(40)]),
        "filters": [
            {"field": "status", "op": "in", "values": ["open", "pending"]},
            {"field": "amount", "op": ">", "value": source.randrange(1_000_000)},
        ],
        "limit": source.randrange(100),
        "offset": source.randrange(1_000),
        "dry_run": source.random() < 0.5,
        "note": words(12),
    }
    while len(json.dumps(arguments, separators=(",", ":"))) < 596:
        arguments["note"] += " " + words(1)
    return {
        "user": "user_" + uuid(),
        "session": "ses_" + uuid(),
        "tool": f"search_documents_{source.randrange(6)}",
        "client": "claude-desktop",
        "client_version": f"0.14.{source.randrange(20)}",
        "duration_us": source.randrange(900_000),
        "ok": source.random() > 0.05,
        "arguments": arguments,
    }


def reo(load):
    if load["queue_events"]:
        os.environ["REO_CENSUS_MCP_QUEUE_MAXSIZE"] = str(load["queue_events"])
    from reo_census_mcp import logger as package

    logger = package.ReoProductUsageLogger(
        api_key="test-key-1",
        endpoint_url=load["url"] + "/ingest",
        activity_type="mcp_tool_call",
        user_id_type="USER_ID",
        product_id="billing-mcp",
    )

    def log(marker, call):
        logger.log_usage(
            user_id=call["user"],
            meta={
                "call_id": marker,
                "session_id": call["session"],
                "tool": call["tool"],
                "client": call["client"],
                "client_version": call["client_version"],
                "protocol": "2026-07-28",
                "duration_us": call["duration_us"],
                "ok": call["ok"],
                "arguments": call["arguments"],
            },
        )

    # What it runs at exit.
    return log, package._DISPATCHER._flush_on_exit, lambda: package._DISPATCHER.dropped + package._DISPATCHER.failed


def mcpeye(load):
    from mcpeye import tracker as package

    buffer = package._Buffer(
        project_id="billing-mcp",
        ingest_url=load["url"] + "/ingest",
        ingest_secret="test-key-1",
        redact=True,
        identity={"server": "billing-mcp"},
        max_buffered_events=load["queue_events"] or package._DEFAULT_MAX_BUFFERED_EVENTS,
        on_error=lambda error: None,
    )

    def log(marker, call):
        # It has no place for the session and the client; the marker goes into the result, which a failure has none of.
        buffer.record(
            tool_name=call["tool"],
            arguments=call["arguments"],
            result={"call_id": marker, "session_id": call["session"], "client": call["client"]},
            is_error=False,
            error_message=None,
            intent=None,
            duration_ms=call["duration_us"] / 1_000,
            user_id=call["user"],
        )

    return log, buffer.close, lambda: None


def offer(log, calls, first, events, rate, times):
    now, mine = time.perf_counter_ns, [0] * events
    per_tick = max(1, rate // 1_000)
    start = time.perf_counter()
    for number in range(events):
        if rate and number % per_tick == 0:
            left = start + number / rate - time.perf_counter()
            if left > 0:
                time.sleep(left)
        marker, call = f"~n{first + number:010}~", calls[number % len(calls)]
        begun = now()
        log(marker, call)
        mine[number] = now() - begun
    times.extend(mine)


def own_cost():
    now, costs = time.perf_counter_ns, []
    for _ in range(10_001):
        begun = now()
        costs.append(now() - begun)
    return sorted(costs)[len(costs) // 2]


def status(name):
    try:
        with open("/proc/self/status") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
    except OSError:
        return 0


def processor():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def waits():
    thread = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
    return resource.getrusage(thread).ru_nvcsw


def all_delivered(load, start):
    unique, since = 0, time.perf_counter() - start
    while True:
        now = time.perf_counter() - start
        with urllib.request.urlopen(load["url"] + "/seen", timeout=5) as answer:
            seen = json.load(answer)["unique"]
        if seen > unique:
            unique, since = seen, now
        if unique >= load["events"] + load["warm_up"] or now > since + 2:
            return since
        time.sleep(0.02)


def main():
    load = json.loads(sys.argv[2])
    events, each = load["events"], load["events"] // load["threads"]
    source = random.Random(7)
    calls = [call(source, load["kind"] == "clean") for _ in range(256)]
    log, shutdown, lost = {"reo-python": reo, "mcpeye-python": mcpeye}[load["contender"]](load)
    cost, times = own_cost(), []
    if load["warm_up"]:
        offer(log, calls, events, load["warm_up"], 1_000, [])
        time.sleep(0.3)
    try:
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
    except OSError:
        pass
    resident, cpu, waited, start = status("VmRSS:"), processor(), waits(), time.perf_counter()
    if load["threads"] == 1:
        offer(log, calls, 0, each, load["rate"], times)
    else:
        parts = [
            threading.Thread(target=offer, args=(log, calls, n * each, each, load["rate"] // load["threads"], times))
            for n in range(load["threads"])
        ]
        for part in parts:
            part.start()
        for part in parts:
            part.join()
    measured = {"offered_s": time.perf_counter() - start, "voluntary_switches": waits() - waited}
    if load["end"] == "deliver":
        measured["delivered_s"] = all_delivered(load, start)
    measured["cpu_s"] = processor() - cpu
    if load["end"] == "shutdown":
        begun = time.perf_counter()
        shutdown()
        measured["shutdown_ms"] = (time.perf_counter() - begun) * 1e3
    measured["resident_more_kb"] = max(0, status("VmHWM:") - resident)
    measured["lost"] = lost()
    last = times[len(times) * 9 // 10 :]
    times.sort()
    quantile = lambda q: max(0, times[min(int(len(times) * q), len(times) - 1)] - cost)
    measured |= {
        "mean_ns": max(0, sum(times) / len(times) - cost),
        "p50_ns": quantile(0.5),
        "p99_ns": quantile(0.99),
        "p999_ns": quantile(0.999),
        "max_ns": quantile(1),
        "last_tenth_ns": max(0, sum(last) / len(last) - cost),
    }
    print(json.dumps(measured), flush=True)
    # At once: what a library would still do is not asked.
    os._exit(0)


main()

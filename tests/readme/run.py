#!/usr/bin/env python3
"""What the README shows first, built and run as it stands there: its dependencies and its first program, in a package of
their own.

First from git, at the README's revision: the repository's address, a placeholder, is replaced by that of this checkout. A
clone without history does not have that revision: there its own last commit takes its place, and the output says so. Then from the checkout as it is now. Without a key the server serves and ends well; with one, a call that is queued when the
server ends has arrived.

    tests/readme/run.py            # with the versions of this checkout's Cargo.lock: no release of others can fail the gate
    tests/readme/run.py --newest   # with the newest versions that fit, as a new user gets them
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
ADDRESS = "https://git.example.com/mcp-usage"
REVISION = re.compile(r'git = "[^"]*", rev = "([0-9a-f]+)"')
SECONDS = 20
NEWEST = "--newest" in sys.argv[1:]


def first_block(text, language):
    return re.search(rf"^```{language}[^\n]*\n(.*?)^```$", text, re.M | re.S)[1]


def placeholders():
    """How often the repository's address stands in what people read, by file."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("src/**/*.md"), *ROOT.glob("src/**/*.rs"), *ROOT.glob("examples/**/*.md")]
    counts = {str(page.relative_to(ROOT)): page.read_text().count(ADDRESS) for page in pages}
    return {page: count for page, count in counts.items() if count}


def with_revision(dependencies):
    """The dependencies with a revision that this clone has, and what to call it."""
    revision = REVISION.search(dependencies)[1]
    known = ["git", "cat-file", "-e", f"{revision}^{{commit}}"]
    if subprocess.run(known, cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0:
        return dependencies, "the README's revision"
    last = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
    return dependencies.replace(f'"{revision}"', f'"{last.stdout.strip()}"'), "the last commit, for want of the README's revision"


def build(package, dependencies):
    """Builds the README's program with these dependencies, and returns where it is."""
    readme = (ROOT / "README.md").read_text()
    head = '[package]\nname = "readme"\nversion = "0.0.0"\nedition = "2024"\n\n'
    (package / "src").mkdir(exist_ok=True)
    (package / "Cargo.toml").write_text(head + dependencies)
    (package / "src/main.rs").write_text(first_block(readme, "rust"))
    lock = package / "Cargo.lock"
    lock.unlink(missing_ok=True)
    if not NEWEST:
        lock.write_text((ROOT / "Cargo.lock").read_text())
    subprocess.run(["cargo", "build", "--quiet", "--target-dir", TARGET], cwd=package, check=True)
    return TARGET / "debug/readme"


def serve(program, method, variables):
    """Says hello to the server, asks it one thing, and closes its input as soon as it has answered."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server = subprocess.Popen([program], env={**clean, **variables}, **pipes)

    def say(message):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()

    client = {"name": "readme", "version": "1"}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    say({"id": 1, "method": "initialize", "params": hello})
    assert "result" in json.loads(server.stdout.readline()), "the server does not say hello"
    say({"method": "notifications/initialized"})
    say({"id": 2, "method": method, "params": {"name": "search"}})
    answer = json.loads(server.stdout.readline())
    assert answer["id"] == 2, answer
    rest, _ = server.communicate(timeout=SECONDS)
    assert server.returncode == 0, f"the server ended with {server.returncode}"
    assert rest == "", f"more than answers on stdout: {rest}"


def main():
    assert placeholders() == {"README.md": 1}, f"the repository's address stands in {placeholders()}"
    dependencies = first_block((ROOT / "README.md").read_text(), "toml")
    with tempfile.TemporaryDirectory() as package:
        assert dependencies.count(ADDRESS) == 1, dependencies
        from_git, revision = with_revision(dependencies)
        program = build(Path(package), from_git.replace(ADDRESS, ROOT.as_uri()))
        serve(program, "ping", {})
        print(f"from git, at {revision}: the server serves without a key, and ends well")

        here, replaced = REVISION.subn(lambda _: f"path = {json.dumps(str(ROOT))}", dependencies)
        assert replaced == 1, dependencies
        program = build(Path(package), here)
    serve(program, "ping", {})
    print("from this checkout: the server serves without a key, and ends well")

    subprocess.run(["cargo", "build", "--quiet", "--locked", "--example", "mock_ingest"], cwd=ROOT, check=True)
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ingest = subprocess.Popen([TARGET / "debug/examples/mock_ingest", "0"], **pipes)
    endpoint = next(line.split()[-1] for line in ingest.stdout if "reo-batch" in line)
    serve(program, "tools/call", {"REO_API_KEY": "test-key-1", "REO_CENSUS_MCP_ENDPOINT": endpoint})
    received, _ = ingest.communicate(timeout=SECONDS)
    assert re.search(r"MCP_TOOL_CALL  search ", received), f"the call has not arrived: {received}"
    print("with a key, what is queued at the end arrives")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Each TOML, JSON and YAML block of the pages parses, and refers only to what exists. Rust blocks are doctests.

Run by `blocks.sh`, which has PyYAML.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CRATE = tomllib.loads((ROOT / "Cargo.toml").read_text())
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)


def check_toml(text):
    """A part of a Cargo.toml: the crate has the features and the version that it asks for."""
    manifest = tomllib.loads(text)
    tables = [manifest.get(table, {}) for table in ("dependencies", "dev-dependencies")]
    ours = [table["mcp-usage"] for table in tables if "mcp-usage" in table]
    assert ours, "no dependency on the crate"
    for dependency in ours:
        unknown = set(dependency.get("features", ())) - set(CRATE["features"])
        assert not unknown, f"no such features: {unknown}"
        version = dependency.get("version")
        current = CRATE["package"]["version"]
        assert version is None or current.startswith(f"{version}."), f"the crate has the version {current}"


def check_yaml(text):
    """A collector's configuration: what its pipelines name is configured, and what is configured is used."""
    collector = yaml.safe_load(text)
    service = collector["service"]
    named = {"extensions": set(service["extensions"])}
    for pipeline in service["pipelines"].values():
        for kind, components in pipeline.items():
            named.setdefault(kind, set()).update(components)
    configured = {kind: set(components) for kind, components in collector.items() if kind != "service"}
    assert named == configured, f"named: {named}, configured: {configured}"
    for exporter in collector["exporters"].values():
        authenticator = exporter.get("auth", {}).get("authenticator")
        assert authenticator is None or authenticator in collector["extensions"], authenticator


CHECKS = {"toml": check_toml, "json": json.loads, "yaml": check_yaml}


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    pages = [ROOT / name for name in listed.stdout.split("\0") if name]
    checked, faults = dict.fromkeys(CHECKS, 0), []
    for page in pages:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            language, content = block.groups()
            if language not in CHECKS:
                continue
            checked[language] += 1
            try:
                CHECKS[language](content)
            except (AssertionError, KeyError, ValueError, yaml.YAMLError) as fault:
                line = text.count("\n", 0, block.start()) + 1
                faults.append(f"{page.relative_to(ROOT)}:{line}: {language}: {fault}")
    print(*faults, f"{len(pages)} pages, blocks by language: {checked}", sep="\n")
    assert all(checked.values()), "the pages have no block of some language"
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

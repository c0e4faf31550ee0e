#!/usr/bin/env python3
"""Each relative link of the built docs leads to a page that is there, and to a place on it where it names one.

rustdoc checks the names of items, but neither headings nor relative addresses. Run after `cargo doc --workspace`.
"""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
DOCS = TARGET / "doc"
# Links in the docs of traits that every type implements: tracing's `WithSubscriber` and OpenTelemetry's `FutureExt`.
FOREIGN = {"dispatcher", "Context"}


def crates():
    """The folders of the docs of all packages of the workspace, by the names of their crates."""
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, check=True, capture_output=True
    )
    targets = [target for package in json.loads(metadata.stdout)["packages"] for target in package["targets"]]
    names = {target["name"].replace("-", "_") for target in targets if {"lib", "bin"} & set(target["kind"])}
    return [DOCS / name for name in sorted(names)]


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.path, self.ids, self.links = path, set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "a" and attributes.get("href"):
            self.links.add(attributes["href"])


def faults(page, pages):
    for link in sorted(page.links):
        address, place = urldefrag(link)
        address = unquote(address)
        path = (page.path.parent / address).resolve() if address else page.path
        # Other sites; and lines of the source, whose numbers rustdoc writes itself.
        if ":" in address or TARGET / "doc/src" in path.parents or address in FOREIGN:
            continue
        if not path.is_file():
            yield f"{link} is not there"
        elif place and path in pages and not {place, unquote(place)} & pages[path].ids:
            yield f"{link} leads to no such place"


def main():
    pages = {}
    for crate in crates():
        found = {path: Page(path) for path in crate.rglob("*.html")}
        assert found, f"{crate} has no pages: run cargo doc --workspace first"
        print(f"{crate.name}: {len(found)} pages")
        pages |= found
    broken = [f"{path.relative_to(DOCS)}: {fault}" for path, page in pages.items() for fault in faults(page, pages)]
    print(*broken, f"{len(pages)} pages, {len(broken)} broken links", sep="\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())

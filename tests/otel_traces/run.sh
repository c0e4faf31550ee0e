#!/usr/bin/env bash
# Each query of `src/guide/destinations.md`, by ClickHouse itself (`chdb` from PyPI), over 100 000 spans in the shape in which
# the collector's ClickHouse exporter writes them.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/clients/install.sh
have_python otel-traces chdb==4.4.0
# Days are UTC's there, as in the figures that are expected.
env -i "PATH=$PATH" TZ=UTC timeout 300 "$clients/otel-traces/bin/python" tests/otel_traces/check.py "$out"

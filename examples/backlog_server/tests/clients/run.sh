#!/usr/bin/env bash
# Real clients, and a real browser, against the server as it is run: from their first request over registration, consent
# and tokens to their calls, and to the one that is refused once their user has revoked.
#
# Names run some of them. Screenshots are kept in $SCREENSHOTS, when it is set. Needs what tests/clients/install.sh does,
# and Chromium: $CHROMIUM, or `chromium` of Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
here=examples/backlog_server/tests/clients
source tests/clients/install.sh
export PYTHONDONTWRITEBYTECODE=1
cargo build --quiet --locked -p backlog_server
server=$(realpath "$target/debug/backlog_server")

# Starts a server of its own; its origin is then in `origin`, what it prints in `log`.
serve() {
  log=$(mktemp -p "$out")
  # On a machine that opts out, too: its events go to the ingest inside.
  "$server" --listen 127.0.0.1:0 >"$log" 2>&1 &
  pids+=($!)
  started "$log" answers
}

# It prints its demo before it answers.
answers() {
  origin=$(sed -n 's|^sign in and see what is connected: \(.*\)/apps|\1|p' "$log")
  [ -n "$origin" ] && curl --silent --fail --output /dev/null "$origin/style.css"
}

# Waits until the timeline says something so often; a line of it is a pattern.
reported() { # <count> <pattern>
  within=60 soon says "$@" || { echo "the timeline does not say $1 times: $2" >&2; cat "$log" >&2; return 1; }
}

says() { # <count> <pattern>
  [ "$(grep -c -E "$2" "$log")" -ge "$1" ]
}

# A `!` would not end the script.
fails() { # <command>...
  if "$@"; then
    echo "this should have failed: $*" >&2
    return 1
  fi
}

sdk() { # <directory> <requirement>
  have_python "$1" "$2"
  serve
  timeout 60 "$clients/$1/bin/python" "$here/sdk.py" "$origin/p/demo/mcp" olga@example.com
  reported 1 'olga@example.com +demo +signs in with an agent'
  reported 1 'olga@example.com +demo +create_feature +ok'
  reported 1 'anonymous +demo +is not let in +access:revoked'
}

python1() {
  sdk mcp1 'mcp==1.30.0'
}

python2() {
  sdk mcp2 'mcp==2.3.0'
}

# Registers a client and prints its id.
register() { # <redirect address>
  curl --silent --fail --json "{\"redirect_uris\":[\"$1\"]}" "$origin/register" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["client_id"])'
}

# The suite asks for a browser with the address that it prints, and listens for its answer. Which of both it says first is
# not known.
asks() {
  url=$(sed -n 's|^\(http[^ ]*/authorize?[^ ]*\)$|\1|p' "$said")
  [ -n "$url" ] && grep -q 'Callback server started' "$said"
}

conformance() {
  have_node22
  have_npm conformance-next @modelcontextprotocol/conformance@0.2.0-alpha.12
  serve
  local suite=$clients/conformance-next/node_modules/@modelcontextprotocol/conformance/dist/index.js
  local port client said url there
  said=$(mktemp -p "$out")
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  client=$(register "http://127.0.0.1:$port/callback")
  timeout 60 "$node" "$suite" authorization --url "$origin" --client-id "$client" --resource "$origin/p/demo/mcp" \
    --port "$port" -o "$out/authorization" >"$said" 2>&1 &
  pids+=($!)
  within=60 soon asks || { echo "the suite does not ask: $(cat "$said")" >&2; return 1; }
  there=$(python3 "$here/browser.py" decide "$url" olga@example.com approve)
  curl --silent --fail --output /dev/null "$there"
  wait "${pids[-1]}" || { cat "$said" >&2; return 1; }
  python3 tests/clients/checks.py "$out/authorization" | tee "$out/checks"
  # Its one warning: client id metadata documents, which this server does not take in place of a registration.
  [ "$(grep -c SUCCESS "$out/checks")" = 2 ]
  fails grep FAILURE "$out/checks"
}

# With a token from elsewhere, as a person pastes it.
inspector() {
  have_npm inspector @modelcontextprotocol/inspector@2.12.0
  serve
  local verifier challenge client there token era
  local cli=(env HOME="$out" "$clients/inspector/node_modules/.bin/mcp-inspector" --cli "$origin/p/demo/mcp" --transport http)
  verifier=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')
  challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)
  client=$(register http://127.0.0.1/callback)
  there=$(python3 "$here/browser.py" decide "$origin/authorize?response_type=code&client_id=$client&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge=$challenge&code_challenge_method=S256&scope=backlog:read&resource=$origin/p/demo/mcp" max@example.com approve)
  token=$(curl --silent --fail "$origin/token" -d grant_type=authorization_code -d "client_id=$client" \
    -d "code_verifier=$verifier" -d "code=$(sed 's/.*[?&]code=\([^&]*\).*/\1/' <<<"$there")" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  for era in legacy modern; do
    "${cli[@]}" --header "Authorization: Bearer $token" --protocol-era "$era" --method tools/call \
      --tool-name list_features --format json >"$out/called"
    grep -q 'Dark mode' "$out/called"
    # Its SDK holds an error to the schema of the tool, too.
    fails "${cli[@]}" --header "Authorization: Bearer $token" --protocol-era "$era" --method tools/call \
      --tool-name get_feature --tool-arg feature_id=987654 --format json >"$out/not-found" 2>&1
    grep -q '"code": *"NOT_FOUND"' "$out/not-found" || { cat "$out/not-found" >&2; return 1; }
    # It is shown what it can call, and calls nothing else.
    "${cli[@]}" --header "Authorization: Bearer $token" --protocol-era "$era" --method tools/list --format json >"$out/listed"
    grep -q get_feature "$out/listed"
    fails grep create_feature "$out/listed"
    fails "${cli[@]}" --header "Authorization: Bearer $token" --protocol-era "$era" --method tools/call \
      --tool-name create_feature --tool-arg title=x --format json >"$out/refused" 2>&1
    echo "inspector, $era: reads with its token, is told why not by a code, and is shown no more than it has a scope for"
  done
  fails "${cli[@]}" --header 'Authorization: Bearer made-up' --method tools/list --format json >"$out/refused" 2>&1
  reported 2 'max@example.com +demo +list_features +ok'
  reported 2 'max@example.com +demo +get_feature +forbidden:resource'
  reported 1 'anonymous +demo +is not let in +access:unknown'
}

browser() {
  have_chromium
  serve
  local shots=${SCREENSHOTS:-$out/screenshots}
  mkdir -p "$shots"
  NODE_PATH=$clients/playwright/node_modules timeout 180 node "$here/chromium.mjs" "$origin" "$chromium" "$shots"
  reported 3 'max@example.com +demo +get_project +ok'
  reported 3 'anonymous +demo +is not let in +access:revoked'
}

for name in ${@:-python1 python2 conformance inspector browser}; do
  printf 'client %s\n' "$name"
  "$name"
done

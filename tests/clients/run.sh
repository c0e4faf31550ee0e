#!/usr/bin/env bash
# Real clients against the example `rmcp_server` and the fixture server, plain and instrumented: what each sees is the
# same, and with the intent on differs by the property alone. Then the MCP conformance suite, check by check, against
# the fixture, and against the plain one behind the layer with the intent.
#
# `tests/clients/run.sh` runs all; names run some of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/clients
source "$here/install.sh"
cargo build --quiet --features rmcp,tower --example mcp_fixture --example rmcp_server
examples=$(realpath "$target/debug/examples")

# Says which server is looked at from here on, and how it is called.
subject() { # fixture | example
  case $1 in
    fixture)
      server=("$examples/mcp_fixture")
      variants=(plain no-intent intent)
      calls='[["test_simple_text",{}],["test_image_content",{}],["test_multiple_content_types",{}],["test_error_handling",{}],["closed_text",{"text":"hi"}],["own_prompt",{"prompt":"a cat"}],["absent",{"a":1}]]'
      takes_text=closed_text
      ;;
    example)
      # Instrumented also where nobody takes the events: they are dropped, and the client must not notice.
      server=("$examples/rmcp_server" --ingest http://127.0.0.1:9/)
      variants=(plain intent)
      calls='[["add",{"a":1,"b":2}],["echo",{"text":"hi"}],["echo",{"text":"hi","more":1}],["fail",{}],["absent",{"a":1}]]'
      takes_text=echo
      ;;
  esac
}

# Starts the server at an address of its own; its URL is then in `url`.
serve() { # <flags>...
  log=$(mktemp -p "$out")
  "${server[@]}" --http 127.0.0.1:0 "$@" 2>"$log" &
  pids+=($!)
  started "$log" says_where
}

says_where() {
  local line
  # A line that is not whole yet is none for `read`.
  while read -r line; do
    url=${line#MCP at }
    [ "$url" = "$line" ] || return 0
  done <"$log"
  return 1
}

asked='[["closed_text",{"text":"hi","prompt":"to see that it is taken out"}]]'

# Takes the property out of a listing, where it is ours, and ids and the like out of everything.
same_but() { # <intent?>
  python3 "$here/normalize.py" "$1"
}

failed=0
compare() { # <name> <expected> <found>
  if cmp -s "$2" "$3"; then
    echo "same: $1"
  else
    echo "DIFFERENT: $1"
    diff "$2" "$3" | head -20 || true
    failed=1
  fi
}

# Clients and suites have races of their own, so what differs is looked at again: ours differs each time.
thrice() { # <command>...
  local before=$failed
  for _ in 1 2 3; do
    failed=0
    "$@"
    [ "$failed" = 1 ] || break
  done
  [ "$before" = 0 ] || failed=1
}

# What a client sees of the plain server, of the instrumented one without and with the property.
look_at_all() { # <name> <how> <client>...
  local name=$1 how=$2 variant flags
  shift 2
  rm -f "$out"/{plain,no-intent,intent}{,.same}
  for variant in "${variants[@]}"; do
    flags=()
    [ "$variant" = intent ] || flags=("--$variant")
    if [ "$how" = http ]; then
      serve "${flags[@]}"
      "$@" http "$url"
    else
      # A program of its own, since a client may take flags for its own.
      printf '#!/bin/sh\nexec %s\n' "$(printf '%q ' "${server[@]}" "${flags[@]}")" >"$out/server"
      chmod +x "$out/server"
      "$@" stdio "$out/server"
    fi >"$out/$variant" 2>"$out/$variant.err" || {
      echo "DIFFERENT: $name fails on $variant: $(tail -3 "$out/$variant.err")"
      failed=1
    }
  done
  same_but strict <"$out/plain" >"$out/plain.same"
  same_but intent <"$out/intent" >"$out/intent.same"
  [ -s "$out/plain" ] || { echo "DIFFERENT: $name saw nothing"; failed=1; }
  if [ -e "$out/no-intent" ]; then
    same_but strict <"$out/no-intent" >"$out/no-intent.same"
    compare "$name, without the property" "$out/plain.same" "$out/no-intent.same"
  fi
  compare "$name, but for the property" "$out/plain.same" "$out/intent.same"
  if cmp -s "$out/plain" "$out/intent"; then
    echo "DIFFERENT: $name was not shown the property"
    failed=1
  fi
}

python1() {
  have_python mcp1 'mcp==1.30.0'
  local how what
  for what in example fixture; do
    subject $what
    for how in stdio http; do
      thrice look_at_all "Python mcp 1.30 on the $what over $how" "$how" \
        timeout 60 "$clients/mcp1/bin/python" "$here/mcp1.py" "$calls"
    done
  done
}

python2() {
  have_python mcp2 'mcp==2.3.0'
  local how mode what
  for what in example fixture; do
    subject $what
    for how in stdio http; do
      for mode in legacy 2026-07-28; do
        thrice look_at_all "Python mcp 2.3 on the $what over $how, $mode" "$how" \
          timeout 60 "$clients/mcp2/bin/python" "$here/mcp2.py" "$calls" "$mode"
      done
    done
  done
  # A closed tool works although the agent says what it wants.
  serve
  "$clients/mcp2/bin/python" "$here/mcp2.py" "$asked" 2026-07-28 http "$url" >"$out/asked"
  grep -q '"text": "{\\"text\\":\\"hi\\"}"' "$out/asked" && echo "same: a closed tool with the property" || failed=1
}

inspect() { # <stdio|http> <where>
  local where=("$@")
  local cli=("$clients/inspector/node_modules/.bin/mcp-inspector" --cli)
  local method
  for method in "tools/list" "prompts/list" "resources/list"; do
    HOME=$out "${cli[@]}" "${where[@]:1}" "${INSPECT_AS[@]}" --method "$method" --format json
    echo
  done
  HOME=$out "${cli[@]}" "${where[@]:1}" "${INSPECT_AS[@]}" --method tools/call --tool-name "$takes_text" --tool-arg text=hi --format json
}

inspector() {
  have_npm inspector @modelcontextprotocol/inspector@2.12.0
  local how era what
  for what in example fixture; do
    subject $what
    for how in stdio http; do
      for era in legacy modern; do
        INSPECT_AS=(--protocol-era "$era")
        [ $how = stdio ] || INSPECT_AS+=(--transport http)
        thrice look_at_all "inspector on the $what over $how, $era" "$how" inspect
      done
    done
  done
}

# The tools of the server at `url`, on one line.
list_tools() {
  curl --silent --fail --max-time 60 "$url" -H 'content-type: application/json' \
    -H 'accept: application/json, text/event-stream' -H 'mcp-protocol-version: 2026-07-28' -H 'mcp-method: tools/list' \
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
      "io.modelcontextprotocol/protocolVersion":"2026-07-28", "io.modelcontextprotocol/clientCapabilities":{},
      "io.modelcontextprotocol/clientInfo":{"name":"probe","version":"1"}}}}'
}

suite() { # <name> <directory> <flags>...
  local name=$1 at=$clients/$2 variant flags
  shift 2
  subject fixture
  for variant in plain no-intent intent layer; do
    flags=()
    [ $variant = intent ] || flags=("--$variant")
    serve "${flags[@]}"
    # The same checks say nothing of one that adds nothing.
    list_tools >"$out/list"
    case $variant/$(grep -c 'the goal behind this call' "$out/list" || true) in
      plain/0 | no-intent/0 | intent/1 | layer/1) ;;
      *) echo "DIFFERENT: the property in the list of the fixture, $variant"; failed=1 ;;
    esac
    rm -rf "$out/$variant.d"
    timeout 300 "$node" "$at/node_modules/@modelcontextprotocol/conformance/dist/index.js" server --url "$url" "$@" \
      -o "$out/$variant.d" >"$out/$variant.log" 2>&1 || true
    python3 "$here/checks.py" "$out/$variant.d" >"$out/$variant.checks"
  done
  echo "conformance $name: $(tail -1 "$out/plain.checks")"
  # Which not, and what the suite says of them.
  python3 "$here/checks.py" "$out/plain.d" --why
  [ "$(wc -l <"$out/plain.checks")" -gt 10 ] || { echo "DIFFERENT: conformance $name did not run"; tail -5 "$out/plain.log"; failed=1; }
  compare "conformance $name, without the property" "$out/plain.checks" "$out/no-intent.checks"
  compare "conformance $name, with the property" "$out/plain.checks" "$out/intent.checks"
  compare "conformance $name, through the layer with the property" "$out/plain.checks" "$out/layer.checks"
}

conformance() {
  have_node22
  have_npm conformance @modelcontextprotocol/conformance@0.1.16
  have_npm conformance-next @modelcontextprotocol/conformance@0.2.0-alpha.12
  thrice suite "0.1.16" conformance --suite all
  thrice suite "0.2 of 2025-11-25" conformance-next --suite all --spec-version 2025-11-25
  thrice suite "0.2 of 2026-07-28" conformance-next --suite all --spec-version 2026-07-28
}

for stage in "${@:-python1 python2 inspector conformance}"; do
  for name in $stage; do
    "$name"
  done
done
exit $failed

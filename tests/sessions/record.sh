#!/usr/bin/env bash
# Records the sessions of this directory again: see README.md. Names record some of them: python1 python2 typescript rmcp
# rust-mcp-sdk.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/sessions
source tests/clients/install.sh

# A client runs the recorder in the place of its server.
record() { # <file> <client and server>...
  local file=$1
  shift
  timeout 60 "$@" "$(command -v python3)" "$here/record.py" "$here/$file.jsonl" "$@"
}

python1() {
  have_python mcp1 'mcp==1.30.0'
  record python-1.30.0 "$clients/mcp1/bin/python" "$here/python1.py"
}

python2() {
  have_python mcp2 'mcp==2.3.0'
  record python-2.3.0 "$clients/mcp2/bin/python" "$here/python2.py"
}

typescript() {
  have_npm typescript @modelcontextprotocol/sdk@1.32.2
  SDK=$clients/typescript record typescript-1.32.2 node "$here/typescript.mjs"
}

rmcp() {
  local version
  cargo build --quiet --locked --features rmcp --example mcp_session
  version=$(cargo tree --quiet --locked --depth 0 -p rmcp | cut -d' ' -f2)
  record "rmcp-${version#v}" "$(realpath "$target/debug/examples/mcp_session")"
}

# A crate of its own, which the tests do not need: so in a copy, with a lock file of its own.
rust-mcp-sdk() {
  local copy=$target/servers/rust-mcp-sdk
  mkdir -p "$copy"
  cp "$here"/rust-mcp-sdk/* "$copy"
  cargo build --quiet --manifest-path "$copy/Cargo.toml" --target-dir "$target/servers"
  record rust-mcp-sdk-2.0.0 "$(realpath "$target/servers/debug/rust_mcp_sdk_session")"
}

for name in "${@:-python1 python2 typescript rmcp rust-mcp-sdk}"; do
  for session in $name; do
    "$session"
    echo "recorded: $session"
  done
done

#!/usr/bin/env bash
# Servers that others have written, and of ours on SDKs of others, behind the proxy or with streams around their own: a real
# client sees the same as without, and an ingest gets an event for each call.
#
#   examples/usage_proxy/tests/servers/run.sh                  # those of the gate
#   examples/usage_proxy/tests/servers/run.sh time filesystem  # some of: time everything configurations fetch filesystem
#                                                              # rust-filesystem rust-server rmcp1 rmcp2 rmcp3
#                                                              # inside-rmcp1 inside-rmcp2 inside-rmcp3
#                                                              # inside-rust-mcp-sdk
set -euo pipefail
cd "$(dirname "$0")/../../../.."
here=examples/usage_proxy/tests/servers
source tests/clients/install.sh
cargo build --quiet --locked -p usage_proxy
proxy=$(realpath "$target/debug/usage_proxy")
have_python mcp2 'mcp==2.3.0'

# A crate's program, built once.
have_crate() { # <name> <version>
  [ -x "$clients/$1/bin/$1" ] ||
    CARGO_TARGET_DIR=$target/servers fetch cargo install --quiet --locked --root "$clients/$1" --version "$2" "$1"
}

look() { # <calls> <command>...
  timeout 120 "$clients/mcp2/bin/python" "$here/look.py" "$proxy" "$@"
}

server_time() {
  have_python server-time 'mcp-server-time==2026.10.19'
  look '[["convert_time",{"source_timezone":"Asia/Tokyo","target_timezone":"Europe/Paris","time":"10:00"}],["convert_time",{"source_timezone":"Nowhere/At/All","target_timezone":"UTC","time":"10:00"}],["absent",{}]]' \
    "$clients/server-time/bin/python" -m mcp_server_time --local-timezone UTC
}

server_fetch() {
  have_python server-fetch 'mcp-server-fetch==2026.10.24'
  # HERE is a page of the client's: no network is needed but for what is installed.
  look '[["fetch",{"url":"HERE"}],["fetch",{"url":"http://127.0.0.1:9/"}],["fetch",{"url":7}]]' \
    "$clients/server-fetch/bin/python" -m mcp_server_fetch --ignore-robots-txt --allow-private-ips
}

server_everything() {
  have_npm server-everything @modelcontextprotocol/server-everything@2026.8.31
  look '[["echo",{"message":"hi"}],["get-sum",{"a":1,"b":2}],["get-sum",{"a":"one","b":2}],["absent",{}]]' \
    node "$clients/server-everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js" stdio
}

# The configurations that the README shows, as they stand there. What `npx` runs is installed where it is started.
server_configurations() {
  have_npm server-everything @modelcontextprotocol/server-everything@2026.8.31
  PATH=$(dirname "$proxy"):$PATH timeout 120 "$clients/mcp2/bin/python" "$here/configurations.py" \
    examples/usage_proxy/README.md "$clients/server-everything"
}

server_filesystem() {
  have_npm server-filesystem @modelcontextprotocol/server-filesystem@2026.8.31
  mkdir -p "$out/files"
  echo hello >"$out/files/a.txt"
  look "[[\"list_directory\",{\"path\":\"$out/files\"}],[\"read_text_file\",{\"path\":\"$out/files/a.txt\"}],[\"read_text_file\",{\"path\":\"/etc/hostname\"}]]" \
    node "$clients/server-filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js" "$out/files"
}

server_rust_filesystem() {
  have_crate rust-mcp-filesystem 0.4.5
  mkdir -p "$out/files"
  look "[[\"list_directory\",{\"path\":\"$out/files\"}]]" "$clients/rust-mcp-filesystem/bin/rust-mcp-filesystem" "$out/files"
}

server_rust_server() {
  have_crate rust-mcp-server 0.2.7
  # It answers no handshake of a later version, with or without the proxy.
  HANDSHAKE=2025-06-18 look '[["rustc-explain",{"error_code":"E0308"}],["rustc-explain",{"error_code":"none"}],["absent",{}]]' \
    "$clients/rust-mcp-server/bin/rust-mcp-server"
}

# A server of this directory. The versions are chosen anew, as whoever writes such a server does: so in a copy, with a lock file
# of its own.
have_own() { # <directory of its manifest>
  local copy=$target/servers/own
  mkdir -p "$copy"
  cp -r "$here/." "$copy"
  cp tests/sessions/rust-mcp-sdk/main.rs "$copy/rust-mcp-sdk/session.rs"
  sed -i "s|path = \"\(\.\./\)*\.\.\"|path = \"$PWD\"|" "$copy/$1/Cargo.toml"
  cargo build --quiet --manifest-path "$copy/$1/Cargo.toml" --target-dir "$target/servers"
}

# A server with the usage logger around its streams, in place of the proxy in front of it.
look_inside() { # <calls> <command>...
  proxy=--inside look "$@"
}

orders='[["find_order",{"number":1042}],["find_order",{"number":7}],["find_order",{"number":"x"}],["absent",{}]]'

rmcp() { # <major version> <look>
  have_own "rmcp/v$1"
  "$2" "$orders" "$target/servers/debug/rmcp_$1"
}

server_rmcp1() { rmcp 1 look; }
server_rmcp2() { rmcp 2 look; }
server_rmcp3() { rmcp 3 look; }
server_inside_rmcp1() { rmcp 1 look_inside; }
server_inside_rmcp2() { rmcp 2 look_inside; }
server_inside_rmcp3() { rmcp 3 look_inside; }

server_inside_rust_mcp_sdk() {
  have_own rust-mcp-sdk
  PROTOCOL=2026-07-28 look_inside '[["add",{"a":1,"b":2}],["add",{"a":"one","b":2}],["fail",{}],["absent",{}]]' \
    "$target/servers/debug/rust_mcp_sdk"
}

stages=("$@")
[ $# -gt 0 ] || stages=(time everything configurations)
for stage in "${stages[@]}"; do
  echo "server $stage"
  "server_${stage//-/_}"
done

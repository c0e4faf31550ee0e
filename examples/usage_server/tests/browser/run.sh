#!/usr/bin/env bash
# A real browser at the pages of the demo's month, by keyboard: signing in, each page, known totals, a known person, a
# session step by step, and that person forgotten. And at the pages of a project whose every text is hostile.
#
# `look` has it see every page in both widths and both schemes as well; pictures are then left in $SCREENSHOTS, if that
# is set. Needs what tests/clients/install.sh does, and Chromium: $CHROMIUM, or `chromium` of Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
here=examples/usage_server/tests/browser
source tests/clients/install.sh
cargo build --quiet --locked -p usage_server
server=$(realpath "$target/debug/usage_server")

have_chromium

# Starts a server; the link that signs in is then in $out/NAME.link.
serve() { # <name> <arguments>...
  local name=$1
  shift
  "$server" --listen 127.0.0.1:0 --link-file "$out/$name.link" "$@" >"$out/$name.log" 2>&1 &
  pids+=($!)
  started "$out/$name.log" test -s "$out/$name.link"
}

# The shop is closed and the clock stands still, so that the totals stay what they are.
serve month --demo --still --now 1795794067000
within=60 soon grep -q '^{.*}$' "$out/month.log" || { echo "the demo has no month: $(cat "$out/month.log")" >&2; exit 1; }
known=$(grep '^{' "$out/month.log")

shots=
if [ "${1:-}" = look ]; then
  shots=${SCREENSHOTS:-$out/screenshots}
  mkdir -p "$shots"
fi
export NODE_PATH=$clients/playwright/node_modules
timeout 300 node "$here/chromium.mjs" "$(cat "$out/month.link")" "$chromium" "$known" $shots

serve hostile --data "$out/hostile.db" --project '<script>globalThis.owned=1</script>'
key=$(sed -n 's/^REO_API_KEY=//p' "$out/hostile.link")
timeout 300 node "$here/hostile.mjs" "$(head -n 1 "$out/hostile.link")" "$key" "$chromium"

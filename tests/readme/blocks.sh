#!/usr/bin/env bash
# Checks the TOML, JSON and YAML blocks of the pages.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/clients/install.sh
have_python yaml 'PyYAML==6.0.3'
"$clients/yaml/bin/python" tests/readme/blocks.py

#!/bin/bash
# Adds rustfmt and clippy if rustup installed the toolchain without them.
set -euo pipefail

for component in fmt:rustfmt clippy:clippy; do
  cargo "${component%%:*}" --version >/dev/null 2>&1 && continue
  if ! command -v rustup >/dev/null; then
    echo "this toolchain has no ${component##*:}: install it" >&2
    exit 69
  fi
  rustup --quiet component add "${component##*:}"
done

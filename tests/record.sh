#!/bin/bash
# Repeats the calls in tests/transcripts/*.txt with the real programs of a throwaway Debian 12, and rewrites the
# answers: `record.sh [PART OF A NAME]`. `git diff` shows what changed; `cargo test --test model transcripts::` tells
# whether the model gives the same answers. Needs the same as `make test-machine`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --locked --test machine -- --ignored --test-threads=2 "records_of_${1:-}"

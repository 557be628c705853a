#!/bin/bash
# Asks the real programs of a throwaway Debian 12 anew what tests/transcripts/*.txt ask, and writes down what they
# answer: `record.sh [PART OF A NAME]`. What has changed is seen by `git diff`; whether the model answers likewise by
# `cargo test --test model transcripts::`. Needs what `make test-machine` needs.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --locked --test machine -- --ignored --test-threads=2 "records_of_${1:-}"

#!/bin/bash
# Fuzzes the parsers of all input from people and disks, each target for some seconds: `fuzz.sh SECONDS [TARGET…]`.
# A finding stops the target, and the output says where its input is stored: copy the input to fuzz/seeds/TARGET, fix
# the bug, run again.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-20}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(site playbook template journal)

host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/fuzz"
work=$(cd "$target/fuzz" && pwd)
counts=$(cd "$target" && pwd)/tmp/counts/"fuzzed inputs"

# The instrumentation that libFuzzer needs to recognise inputs that reach new code. No sanitizer, because there is no
# unsafe code. `--target` keeps these flags away from build scripts and macros.
cover=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing)
# the same versions of all crates as in a release
cp Cargo.lock fuzz/Cargo.lock
CARGO_TARGET_DIR="$work/build" RUSTFLAGS="${cover[*]}" \
  cargo build --quiet --release --manifest-path fuzz/Cargo.toml --target "$host"

fuzz() {
  local name=$1 log="$work/$1.log"
  mkdir -p "$work/corpus/$name" "$work/found"
  if "$work/build/$host/release/$name" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
    -max_len=8192 -print_final_stats=1 -artifact_prefix="$work/found/$name-" \
    "$work/corpus/$name" "fuzz/seeds/$name" >"$log" 2>&1; then
    return
  fi
  echo "fuzz: $name: found" >&2
  grep -E 'panicked|assertion|SUMMARY|Test unit written|left|right' "$log" | head -n 20 >&2 || tail -n 20 "$log" >&2
  return 1
}

status=0 running=()
for name in "${targets[@]}"; do
  fuzz "$name" &
  running+=($!)
  # two at a time
  if [ ${#running[@]} -eq 2 ]; then
    wait "${running[0]}" || status=1
    running=("${running[1]}")
  fi
done
for pid in "${running[@]}"; do wait "$pid" || status=1; done
[ "$status" -eq 0 ] || exit 1

mkdir -p "$counts"
for name in "${targets[@]}"; do
  count=$(sed -n 's/^stat::number_of_executed_units: //p' "$work/$name.log")
  echo "$count" >"$counts/$name"
  echo "fuzzed inputs: $count by $name, 0 found"
done

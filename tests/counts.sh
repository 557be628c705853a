#!/bin/bash
# Prints how much the tests tried, next to the required minimum: `counts.sh FOLDER SUITE [LEAST]`. LEAST replaces the
# minimums in tests/floors. A suite is a tier of the tests (`commit`, `prove`, `floors`) or `soak`. Each test writes its
# count to FOLDER/WHAT/SOURCE once everything passed.
set -euo pipefail
folder=$1 suite=$2 least=${3:-}
floors=$(dirname "$0")/floors
status=0

row() { printf '%-34s %9s %9s  %s\n' "$@"; }

floor_of() {
  awk -F '\t' -v suite="$suite" -v what="$1" -v least="$least" \
    '$1 == suite && $3 == what { print least ? least : $2 }' "$floors"
}

what_is_counted() {
  awk -F '\t' -v suite="$suite" '$1 == suite { print $3 }' "$floors"
  [ ! -d "$folder" ] || find "$folder" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
}

echo "tier: $suite${SAMPLE:+, SAMPLE=$SAMPLE}"
row tried times 'at least' by
while IFS= read -r what; do
  total=0 sources=()
  for file in "$folder/$what"/*; do
    [ -f "$file" ] || continue
    total=$((total + $(<"$file")))
    sources+=("${file##*/} $(<"$file")")
  done
  floor=$(floor_of "$what")
  by=$(printf '%s, ' "${sources[@]:-}")
  row "$what" "$total" "${floor:--}" "${by%, }"
  if [ -n "$floor" ] && [ "$total" -lt "$floor" ]; then
    echo "too few: $what" >&2
    status=1
  fi
done < <(what_is_counted | awk '!seen[$0]++')
exit "$status"

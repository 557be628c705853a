#!/bin/bash
# Plants bugs, one at a time, in a copy of the tree, and checks that a test fails for each of them:
# `mutants.sh [NAME…]`. `mutants.sh check` only checks that each patch still applies.
#
# A patch in tests/mutants begins with `bug:`, a description of the bug, and with `test:` lines: the arguments of
# `cargo test` commands that may fail, the quickest first. `case:` limits the crash matrix to the cases that suffice.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

head_of() { sed -n "s/^$1: //p" "$2"; }

check() {
  local patch status=0
  for patch in tests/mutants/*.patch; do
    [ -n "$(head_of bug "$patch")" ] && [ -n "$(head_of test "$patch")" ] && git apply --check "$patch" && continue
    echo "mutants: $patch does not fit the tree any more" >&2
    status=1
  done
  return "$status"
}

check
[ "${1:-}" != check ] || exit 0

names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(basename -s .patch tests/mutants/*.patch)

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/mutants"
work=$(cd "$target/mutants" && pwd)
rm -rf "$work/tree"
mkdir "$work/tree"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$work/tree"
cd "$work/tree"
# inside another git repository, `git apply` silently skips files outside that repository
export GIT_CEILING_DIRECTORIES=$work
# the tests try every case
export CARGO_TARGET_DIR=$work/build TIER=prove

row() { printf '%-26s %-12s %7s  %s\n' "$@"; }

row mutant caught seconds by
survived=0
for name in "${names[@]}"; do
  patch=$root/tests/mutants/$name.patch log=$work/$name.log
  git apply "$patch"
  git apply -R --check "$patch"
  began=$SECONDS by='' case=$(head_of case "$patch")
  while read -r arguments; do
    # shellcheck disable=SC2086
    cargo test --quiet --locked --no-run $arguments >"$log" 2>&1 </dev/null || {
      echo "mutants: $name does not build, see $log" >&2
      exit 1
    }
    # shellcheck disable=SC2086
    if ! env ${case:+CRASH_CASE="$case"} timeout 1200 cargo test --quiet --locked $arguments >"$log" 2>&1 </dev/null; then
      by="$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p; s/^    \([a-z_:0-9]*\)$/\1/p' "$log" | sort -u | head -n 1)"
      by="${by:-(timeout)} ($arguments)"
      break
    fi
  done < <(head_of test "$patch")
  git apply -R "$patch"
  if [ -n "$by" ]; then
    row "$name" yes $((SECONDS - began)) "$by"
  else
    row "$name" SURVIVED $((SECONDS - began)) "$(head_of test "$patch" | paste -sd ';')"
    survived=$((survived + 1))
  fi
done
echo "mutants: ${#names[@]} planted, $((${#names[@]} - survived)) caught, $survived survived"
[ "$survived" -eq 0 ]

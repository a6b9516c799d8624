#!/usr/bin/env bash
# Everything that must hold: both compilers without a warning, every test with the release build and
# again under ASan and UBSan, the house rules, clang-tidy. `make check` runs it.
set -uo pipefail
cd "$(dirname "$0")/.."
B=${B:-build}
total_passed=0 total_failed=0
began=$SECONDS

stage() { # NAME COMMAND...
  local name=$1 log
  shift
  log=$(mktemp)
  echo "== $name"
  "$@" 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  # A stage that ran tests says how many; any other counts as one.
  local counts
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
  rm -f "$log"
  if [ -n "$counts" ]; then
    set -- $counts
    total_passed=$((total_passed + $1))
    total_failed=$((total_failed + $3))
    [ "$status" = 0 ] || [ "$3" != 0 ] || total_failed=$((total_failed + 1))
  elif [ "$status" = 0 ]; then
    total_passed=$((total_passed + 1))
  else
    total_failed=$((total_failed + 1))
  fi
  echo "   ($((SECONDS - began)) s so far)"
}

make_quiet() { make --no-print-directory -j"$(nproc)" B="$B" "$@"; }
stage "house rules" .ci/tidy.sh
stage "gcc, every warning an error" make_quiet tests-build
make_quiet all >/dev/null
stage "generated docs" env B="$B" .ci/docs.sh --check
stage "clang, every warning an error" make_quiet VARIANT=clang tests-build
stage "tests" env O="$B/release" .ci/tests.sh
stage "gcc, ASan and UBSan" make_quiet VARIANT=asan tests-build
stage "tests under ASan and UBSan" env O="$B/asan" .ci/tests.sh
stage "clang-tidy" .ci/clang-tidy.sh
make_quiet all >/dev/null
echo
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]

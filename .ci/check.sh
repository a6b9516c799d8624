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

# beside LOG COMMAND...: begun now, at low priority, while the tests, which mostly wait, go on; the
# stage `joined LOG PID` waits for it and tells its output and status.
beside() {
  local log=$1
  shift
  (
    nice -n 10 "$@" >"$log" 2>&1
    echo $? >"$log.status"
  ) &
  beside_pid=$!
}
joined() { # a stage is a subshell: the job is no child of it
  tail --pid="$2" -f /dev/null
  cat "$1"
  return "$(cat "$1.status" 2>/dev/null || echo 1)"
}
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT

stage "house rules" .ci/tidy.sh
stage "gcc, every warning an error" make_quiet tests-build
make_quiet all >/dev/null
stage "generated docs" env B="$B" .ci/docs.sh --check
beside "$scratch/builds" make --no-print-directory B="$B" both-tests-build
stage "tests" env O="$B/release" .ci/tests.sh
stage "gcc with ASan and UBSan, clang: every warning an error" joined "$scratch/builds" $beside_pid
beside "$scratch/tidy" .ci/clang-tidy.sh
stage "tests under ASan and UBSan" env O="$B/asan" .ci/tests.sh
stage "clang-tidy" joined "$scratch/tidy" $beside_pid
make_quiet all >/dev/null
echo
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]

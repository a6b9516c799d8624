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

# What needs a processor goes on beside the tests, which mostly wait, one behind the other and behind
# whatever the tests want.
# beside NAME COMMAND...: begun once what was put beside before has ended.
beside_last=
beside() {
  local name=$1 before=$beside_last
  shift
  (
    [ -z "$before" ] || tail --pid="$before" -f /dev/null
    nice -n 19 "$@" >"$scratch/$name" 2>&1
    echo $? >"$scratch/$name.status"
  ) &
  beside_last=$!
  printf -v "beside_$name" %s "$beside_last"
}
# joined NAME: waits for it and tells its output and status. A stage is a subshell: the job is no
# child of it.
joined() {
  local pid=beside_$1
  tail --pid="${!pid}" -f /dev/null
  cat "$scratch/$1"
  return "$(cat "$scratch/$1.status" 2>/dev/null || echo 1)"
}
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT

stage "house rules" .ci/tidy.sh
stage "gcc, every warning an error" make_quiet tests-build
make_quiet all >/dev/null
stage "generated docs" env B="$B" .ci/docs.sh --check
beside asan make --no-print-directory -j"$(nproc)" B="$B" VARIANT=asan tests-build
beside clang make --no-print-directory -j"$(nproc)" B="$B" clang-check
beside tidy .ci/clang-tidy.sh
stage "tests" env O="$B/release" .ci/tests.sh
stage "gcc with ASan and UBSan, every warning an error" joined asan
stage "tests under ASan and UBSan" env O="$B/asan" .ci/tests.sh
stage "clang, every warning an error" joined clang
stage "clang-tidy" joined tidy
make_quiet all >/dev/null
echo
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]

#!/usr/bin/env bash
# Runs the fuzz targets, each for a minute, two at a time: "make fuzz".
#
#   O=build/fuzz tests/fuzz/run.sh [PATTERN]    only targets whose name matches
#   SECONDS_EACH=N   how long each runs; 60 where it is not said
#   SEED=N           the same mutations again
#
# What a target has reached is kept in O/reached/TARGET and built upon the next time. A finding (a
# crash, a leak, a claim that does not hold, an input that takes 20 s or 1 GiB) is kept in O/found;
# the command that shows it again is printed, and the exit code is 1. Fix it, and put the input into
# tests/fuzz/corpus/TARGET: `make check` runs these from then on.
set -uo pipefail
cd "$(dirname "$0")/../.."
: "${O:?}"
seconds=${SECONDS_EACH:-60} pattern=${1:-.}
mkdir -p "$O/found" "$O/logs"
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

fuzz() { # TARGET
  local target=$1 log=$O/logs/$1 status
  local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -detect_leaks=1
    -print_final_stats=1 -artifact_prefix="$O/found/$target-")
  [ ! -f "tests/fuzz/$target.dict" ] || options+=(-dict="tests/fuzz/$target.dict")
  [ -z "${SEED:-}" ] || options+=(-seed="$SEED")
  mkdir -p "$O/reached/$target"
  # shellcheck disable=SC2046
  "$O/tests/fuzz/$target" "${options[@]}" "$O/reached/$target" $(tests/fuzz/seeds.sh "$target") \
    >"$log" 2>&1 </dev/null
  status=$?
  if [ "$status" = 0 ]; then
    echo "  ok    $target: $(sed -n 's/^#\([0-9]*\)\tDONE *cov: \([0-9]*\).* corp: \([^ ]*\).*/\1 inputs, \2 edges, corpus \3/p' "$log")"
    return 0
  fi
  echo "  FAIL  $target (exit $status)"
  grep -aE -B 2 -A 14 'does not hold|ERROR: |runtime error' "$log" | head -n 60 | cut -c1-2000 |
    sed 's/^/        /'
  local input
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  [ -z "$input" ] || echo "        again: $O/tests/fuzz/$target $input"
  return 1
}

failed=0 running=0 count=0
for program in tests/fuzz/*.c; do
  target=$(basename "$program" .c)
  [[ $target =~ $pattern ]] || continue
  if [ "$running" = 2 ]; then
    wait -n || failed=$((failed + 1))
    running=1
  fi
  fuzz "$target" &
  running=$((running + 1)) count=$((count + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=$((failed + 1))
  running=$((running - 1))
done
echo "$count fuzz targets, $failed with findings"
[ "$failed" = 0 ] && [ "$count" -gt 0 ]

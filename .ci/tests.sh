#!/usr/bin/env bash
# Runs the tests of one variant: unit and integration (Criterion), then the scripts. Prints one line
# a test program, the output of those that fail, and last `N passed, N failed`.
#   O=build/asan .ci/tests.sh [PATTERN]     only the tests whose name matches
set -uo pipefail
cd "$(dirname "$0")/.."
: "${O:?}"
O=$(cd "$O" && pwd) || exit 1
logs=$O/logs
rm -rf "$logs"
mkdir -p "$logs"
# A leak inside a Criterion child does not fail it: the sanitizers write to files, and any file is a
# failure of the suite.
export ASAN_OPTIONS="log_path='$logs/asan':detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="log_path='$logs/ubsan':print_stacktrace=1:halt_on_error=1"
export PULLDRILL=$O/pulldrill PULLDRILL_SUBJECTS=$O/subjects
passed=0 failed=0 began=$SECONDS pattern=${1:-}

report() { # NAME STATUS LOG
  local took=$((SECONDS - began))
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
    if [ "$took" -ge 5 ]; then
      printf '  ok    %s (%s s)\n' "$1" "$took"
    else
      printf '  ok    %s\n' "$1"
    fi
    grep -aE '^skip(ped)?: ' "$3" | sed 's/^/        /'
  else
    failed=$((failed + 1))
    printf '  FAIL  %s (exit %s)\n' "$1" "$2"
    sed 's/^/        /' "$3" | tail -n 60
  fi
}

for program in "$O"/tests/unit/test_* "$O"/tests/integration/test_*; do
  [ -x "$program" ] && [[ $program != *.d ]] || continue
  name=${program#"$O"/tests/}
  [[ $name =~ $pattern ]] || continue
  began=$SECONDS
  timeout -k 5 300 "$program" --jobs 2 --timeout 120 >"$logs/out" 2>&1 </dev/null
  status=$?
  if [ "$status" = 0 ] && grep -q 'Tested: 0' "$logs/out"; then status=99; fi
  report "$name" "$status" "$logs/out"
done
for script in tests/integration/*.sh; do
  [ -f "$script" ] && [[ $script =~ $pattern ]] || continue
  # Slow ones that would show the sanitizers nothing that others do not: their second line says why.
  if [[ $O == */asan ]] && sed -n 2p "$script" | grep -q '^# release only: '; then
    echo "  -     ${script#tests/} ($(sed -n '2s/^# //p' "$script"))"
    continue
  fi
  began=$SECONDS
  timeout -k 5 600 bash "$script" >"$logs/out" 2>&1 </dev/null
  report "${script#tests/}" $? "$logs/out"
done
for file in "$logs"/asan* "$logs"/ubsan*; do
  [ -f "$file" ] || continue
  [ -s "$file" ] || {
    echo "        ${file##*/} is empty: its process was killed before it had written a word"
    continue
  }
  report "sanitizer: ${file##*/}" 1 "$file"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

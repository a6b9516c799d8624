#!/usr/bin/env bash
# Runs the tests of one variant: the scripts, and the programs (Criterion), JOBS at a time, as many
# as there are processors where it is not said. Prints a line a test as it ends, the output of those
# that fail, and last `N passed, N failed`.
#   O=build/asan .ci/tests.sh [PATTERN]     only the tests whose name matches
set -uo pipefail
cd "$(dirname "$0")/.."
: "${O:?}"
O=$(cd "$O" && pwd) || exit 1
jobs=${JOBS:-$(nproc)}
[ "$jobs" -le 4 ] || jobs=4 # the longest then takes as long as all others
logs=$O/logs
rm -rf "$logs"
mkdir -p "$logs"
export PULLDRILL=$O/pulldrill PULLDRILL_SUBJECTS=$O/subjects
passed=0 failed=0 pattern=${1:-}
declare -A name_of=() began=() # by process id
trap 'kill "${!name_of[@]}" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

report() { # NAME STATUS LOG SECONDS
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
    if [ "$4" -ge 5 ]; then
      printf '  ok    %s (%s s)\n' "$1" "$4"
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

# Each has a folder of its own below logs. A leak inside a Criterion child does not fail it: the
# sanitizers write to files there, and any file is a failure of the suite.
# What runs in the background ignores interrupts, which tests send: they are to start without.
begin() { # NAME
  local name=$1 log=$logs/$1 command
  local -x ASAN_OPTIONS UBSAN_OPTIONS
  ASAN_OPTIONS="log_path='$log/asan':detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1"
  UBSAN_OPTIONS="log_path='$log/ubsan':print_stacktrace=1:halt_on_error=1"
  mkdir -p "$log"
  case $name in
    *.sh) command=(600 bash "tests/$name") ;;
    *) command=(300 "$O/tests/$name" --jobs 2 --timeout 120) ;;
  esac
  env --default-signal=INT,QUIT timeout -k 5 "${command[@]}" >"$log/out" 2>&1 </dev/null &
  name_of[$!]=$name
  began[$!]=$SECONDS
}

# Waits until one has ended.
end_one() {
  local pid status name
  wait -n -p pid
  status=$?
  name=${name_of[$pid]}
  if [ "$status" = 0 ] && grep -q 'Tested: 0' "$logs/$name/out"; then status=99; fi
  report "$name" "$status" "$logs/$name/out" $((SECONDS - began[$pid]))
  unset "name_of[$pid]"
}

# What takes long goes first: it is not to be left over at the end, alone.
long=(library prove drills clients browser tutorial compare exits open_loop mutants)
tests=("${long[@]/#/integration/}")
tests=("${tests[@]/%/.sh}")
for test in tests/integration/*.sh "$O"/tests/integration/test_* "$O"/tests/unit/test_*; do
  test=${test#"$O"/}
  test=${test#tests/}
  [[ $test == *.d || " ${tests[*]} " == *" $test "* ]] || tests+=("$test")
done

for test in "${tests[@]}"; do
  [ -f "tests/$test" ] || [ -x "$O/tests/$test" ] || continue
  [[ $test =~ $pattern ]] || continue
  # Slow ones that would show the sanitizers nothing that others do not: their second line says why.
  if [[ $O == */asan && $test == *.sh ]] && sed -n 2p "tests/$test" | grep -q '^# release only: '
  then
    echo "  -     $test ($(sed -n '2s/^# //p' "tests/$test"))"
    continue
  fi
  [ ${#name_of[@]} -lt "$jobs" ] || end_one
  begin "$test"
done
while [ ${#name_of[@]} -gt 0 ]; do end_one; done

while IFS= read -r file; do
  name=${file#"$logs"/}
  [ -s "$file" ] || {
    echo "        $name is empty: its process was killed before it had written a word"
    continue
  }
  report "sanitizer: $name" 1 "$file" 0
done < <(find "$logs" -name 'asan.*' -o -name 'ubsan.*' | sort)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

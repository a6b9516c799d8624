#!/usr/bin/env bash
# What the shell tests share: to be sourced. PULLDRILL names the program under test.
set -uo pipefail
: "${PULLDRILL:?the program under test}"
[ -x "$PULLDRILL" ] || { echo "FAIL: $PULLDRILL cannot be run"; exit 1; }
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

# expect_exit WANTED WHAT COMMAND...: runs it, output in $scratch/out and $scratch/err.
expect_exit() {
  local wanted=$1 what=$2 status
  shift 2
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  if [ "$status" != "$wanted" ]; then
    fail "$what: exit $status, wanted $wanted"
    tail -n 20 "$scratch/out" "$scratch/err" | sed 's/^/    /'
    return 1
  fi
}

expect_text() { # FILE PATTERN WHAT
  grep -qE -- "$2" "$1" || {
    fail "$3: no line matches $2"
    tail -n 20 "$1" | sed 's/^/    /'
  }
}

# The results of an invocation agree: exit code, results.json, junit.xml, the last line.
expect_agreement() { # STATUS OUT-DIR STDOUT-FILE
  local status=$1 dir=$2 last
  last=$(tail -n 1 "$3")
  [ "$(jq .exit "$dir/results.json")" = "$status" ] || fail "results.json does not say $status"
  local tally
  tally=$(jq -r '.tally | "\(.passed) passed, \(.failed) failed, \(.inconclusive) inconclusive"' \
    "$dir/results.json")
  [ "$last" = "$tally" ] || fail "last line '$last', results.json '$tally'"
  local fails errors inconclusive failed
  fails=$(grep -c '<failure' "$dir/junit.xml")
  errors=$(grep -c '<error type="inconclusive"' "$dir/junit.xml")
  failed=$(jq .tally.failed "$dir/results.json")
  inconclusive=$(jq .tally.inconclusive "$dir/results.json")
  local hard
  hard=$(grep -c '<error type="error"' "$dir/junit.xml")
  [ $((fails + hard)) = "$failed" ] || fail "junit.xml has $fails failures, the tally $failed"
  [ "$errors" = "$inconclusive" ] || fail "junit.xml: $errors inconclusive, tally $inconclusive"
}

finish() {
  [ "$failures" = 0 ] || { echo "$failures failures"; exit 1; }
  echo "ok"
  exit 0
}

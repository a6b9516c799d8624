#!/usr/bin/env bash
# What the shell tests share: to be sourced. PULLDRILL names the program under test.
set -uo pipefail
: "${PULLDRILL:?the program under test}"
[ -x "$PULLDRILL" ] || { echo "FAIL: $PULLDRILL cannot be run"; exit 1; }
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# What whoever runs the tests has set must not change what they see: language and order of words,
# rights of new files, proxies, colours, settings of clients (those of ~/.curlrc, too).
export LC_ALL=C.UTF-8 HOME=$scratch/home
umask 022
mkdir "$HOME"
unset {http,https,no,all}_proxy {HTTP,HTTPS,NO,ALL}_PROXY NO_COLOR SSL_CERT_FILE CURL_CA_BUNDLE \
  CURL_HOME DOCKER_CONFIG DOCKER_HOST CONTAINERD_ADDRESS REGISTRY_AUTH_FILE XDG_CONFIG_HOME \
  XDG_DATA_HOME XDG_CACHE_HOME

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

# until_nothing WHAT COMMAND...: waits until COMMAND prints nothing. No clock but the suite's own
# time-out ends the wait; what was still there is told then.
until_nothing() {
  local what=$1 left
  shift
  trap 'fail "$what: $left"; exit 1' TERM
  while left=$("$@"); [ -n "$left" ]; do
    read -rt 0.05 <> <(:)
  done
  trap - TERM
}

# The results of an invocation agree: exit code, results.json, junit.xml, the last line.
expect_agreement() { # STATUS OUT-DIR STDOUT-FILE
  local dir=$2 last tally
  last=$(tail -n 1 "$3")
  tally=$(jq -r '.tally | "\(.passed) passed, \(.failed) failed, \(.inconclusive) inconclusive"' \
    "$dir/results.json")
  [ "$last" = "$tally" ] || fail "last line '$last', results.json '$tally'"
  expect_files_agree "$1" "$dir"
}

# The same with --format json: the events are those of the histories, each verdict and the last line
# those of results.json.
expect_stream() { # STATUS OUT-DIR STDOUT-FILE
  local dir=$2 last
  last=$(tail -n 1 "$3")
  jq -e . "$3" >"$scratch/null" 2>&1 || fail "the stream is no JSON"
  jq -es 'map(select(.event == "results")) | length == 1' "$3" >"$scratch/null" ||
    fail "the stream has not one line of results"
  jq -e --argjson last "$last" '$last.event == "results" and $last.exit == .exit and
    $last.verdict == .verdict and $last.tally == .tally' "$dir/results.json" >"$scratch/null" ||
    fail "the stream's last line is not results.json: $last"
  local folder
  while read -r folder; do
    jq -cS 'del(.plan)' "$dir/$folder/history.jsonl" >"$scratch/history"
    jq -cS --arg folder "$folder" -n '[inputs] | (.[] | select(.event == "verdict" and
      .folder == $folder)) as $v | .[] | select(.scenario == $v.scenario and .variant == $v.variant
      and .round == $v.round and .event != "verdict") | del(.scenario, .variant, .round, .title)' \
      "$3" >"$scratch/events"
    cmp -s "$scratch/history" "$scratch/events" || fail "$folder: the stream is not its history"
  done < <(jq -r 'select(.event == "verdict") | .folder' "$3")
  expect_files_agree "$1" "$dir"
}

expect_files_agree() { # STATUS OUT-DIR
  local status=$1 dir=$2
  [ "$(jq .exit "$dir/results.json")" = "$status" ] || fail "results.json does not say $status"
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

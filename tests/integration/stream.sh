#!/usr/bin/env bash
# `--format json`: stdout is every event of every drill as it happens, then the verdicts, then the
# results. It agrees with all else that is written, and whoever reads it changes nothing.
. tests/lib/check.sh

jq '.phases[1].starts = 40' tests/lib/small.json >"$scratch/good.json"
jq '.expect += [{"check": "requests", "registry": "primary", "max": 0}]
  | .title = "It \"fails\""' tests/lib/small.json >"$scratch/bad.json"
stream() { # WANTED WHAT [OPTION...]
  local wanted=$1 what=$2
  shift 2
  rm -rf "$scratch/results"
  expect_exit "$wanted" "$what" "$PULLDRILL" run --format json --out "$scratch/results" "$@"
  expect_stream "$wanted" "$scratch/results" "$scratch/out"
}

stream 0 "one drill" "$scratch/good.json"
jq -es '.[0] | .event == "drill-begin" and .title == "A small drill for tests" and .plan == null' \
  "$scratch/out" >"$scratch/null" || fail "the first line is not the drill's beginning"
expect_text "$scratch/err" '^  outage: 40 starts, 40 worked, 0 running; attempts: primary 40 \(40' \
  "progress stays on stderr"

stream 1 "two drills" -j 2 "$scratch/good.json" "$scratch/bad.json"
jq -es '[.[] | select(.event == "verdict") | .verdict] | sort == ["fail", "pass"]' \
  "$scratch/out" >"$scratch/null" || fail "not each drill has a verdict"
expect_text "$scratch/err" '^  bad steady: 2 starts' "progress names the scenario"

# A drill whose process is killed has its events as far as they go, and its verdict.
cat >"$scratch/kills.sh" <<'S'
#!/bin/bash
# The drill's process is the keeper's parent, and the keeper ours.
drill=$(ps -o ppid= -p "$PPID")
kill -9 "${drill// /}"
S
chmod +x "$scratch/kills.sh"
stream 3 "a drill that is killed" "$scratch/good.json" -- "$scratch/kills.sh"
jq -es '.[-2].event == "verdict" and .[-2].verdict == "error"
  and (.[-2].why | test("signal 9"))' "$scratch/out" >"$scratch/null" || fail "its verdict is not told"

# A reader that goes away, one that never was, and a full disk change neither verdict nor exit code.
# The first start waits until the reader has gone.
mkfifo "$scratch/gone"
cat >"$scratch/waits.sh" <<'S'
#!/bin/bash
[ "$PULLDRILL_START_ID" != 1 ] || read -r _ <"$1"
exec "${@:2}"
S
chmod +x "$scratch/waits.sh"
jq ".subjects.puller.command |= [\"$scratch/waits.sh\", \"$scratch/gone\"] + ." \
  "$scratch/bad.json" >"$scratch/waits.json"
"$PULLDRILL" run "$scratch/waits.json" -q --format json --out "$scratch/results" \
  2>"$scratch/err" | {
  head -n 1 >"$scratch/out"
  exec <&-
  echo >"$scratch/gone"
}
status=${PIPESTATUS[0]}
[ "$status" = 1 ] || fail "a reader that went away: exit $status, wanted 1"
expect_text "$scratch/err" 'cannot write to stdout; the results are in' "the lost output is told"
[ "$(wc -l <"$scratch/err")" = 1 ] || fail "it is told more than once"
"$PULLDRILL" run "$scratch/bad.json" -q --format json --out "$scratch/results" \
  >/dev/full 2>"$scratch/err"
[ $? = 1 ] || fail "a full stdout changed the exit code"
"$PULLDRILL" run "$scratch/bad.json" -q --format json --out "$scratch/results" >&- 2>"$scratch/err"
[ $? = 1 ] || fail "a closed stdout changed the exit code"

# A reader that takes nothing until all is over holds nothing up, and misses nothing: this one waits
# for the file that is written behind the last drill.
rm -rf "$scratch/results"
"$PULLDRILL" run "$scratch/good.json" "$scratch/bad.json" -q --format json \
  --out "$scratch/results" | {
  until [ -s "$scratch/results/results.json" ]; do :; done
  cat >"$scratch/out"
}
status=${PIPESTATUS[0]}
[ "$status" = 1 ] || fail "a slow reader: exit $status, wanted 1"
[ "$(wc -c <"$scratch/out")" -gt 131072 ] || fail "too little for a pipe to be full"
expect_stream 1 "$scratch/results" "$scratch/out"

# What is no form is refused.
expect_exit 4 "an unknown form" "$PULLDRILL" run "$scratch/good.json" --format yaml
finish

#!/usr/bin/env bash
# SIGINT and SIGTERM heal, reap and still write results; after kill -9 of the harness, or of the
# process of its drill, no descendant of a subject is alive, however detached, and the next drill
# deletes its scratch folder. The subject opens a FIFO for writing in each of its processes, so that
# the end of file tells, without a clock, that the last of them is gone.
. tests/lib/check.sh

export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
mkfifo "$scratch/alive"
cat >"$scratch/clings.sh" <<'S'
#!/bin/bash
# Detaches in every way and outlives its start.
exec 9>"$1/alive"
trap '' TERM INT HUP
setsid bash -c 'trap "" TERM INT HUP; sleep 600' &
(setsid bash -c 'setsid sleep 601 & sleep 602' &) &
nohup sleep 603 >"$1/null" 2>&1 &
echo started >&9
sleep 604
S
chmod +x "$scratch/clings.sh"
jq '.subjects.puller.concurrency = 2' tests/lib/small.json >"$scratch/scenario.json"

begin() { # OUT
  "$PULLDRILL" run "$scratch/scenario.json" --out "$1" -- "$scratch/clings.sh" "$scratch" \
    >"$scratch/out" 2>"$scratch/err" </dev/null &
  harness=$!
  exec 8<"$scratch/alive"
  read -r -u 8 line
  [ "$line" = started ] || fail "no subject began"
}
all_gone() { # reads until the last writer is dead; the suite's own time-out is the limit
  cat <&8 >"$scratch/rest"
  exec 8<&-
}

for signal in INT TERM; do
  begin "$scratch/$signal"
  kill -"$signal" "$harness"
  wait "$harness"
  status=$?
  all_gone
  wanted=130
  [ "$signal" = INT ] || wanted=143
  [ "$status" = "$wanted" ] || fail "SIG$signal: exit $status, wanted $wanted"
  expect_agreement "$wanted" "$scratch/$signal" "$scratch/out"
  jq -e '.reason == "interrupted"' "$scratch/$signal"/*/journal.json >"$scratch/null" ||
    fail "SIG$signal: the journal does not say interrupted"
  # A saved history says the same again.
  expect_exit "$wanted" "SIG$signal: judge" "$PULLDRILL" judge \
    "$(echo "$scratch/$signal"/*/history.jsonl)" --format journal
  cmp -s "$scratch/out" "$(echo "$scratch/$signal"/*/journal.json)" ||
    fail "SIG$signal: judged again the journal differs"
done

# The process that drills is killed: its verdict is an error, and nothing is left.
begin "$scratch/CHILD"
drill=$(pgrep -P "$harness")
kill -9 "$drill"
all_gone
wait "$harness"
status=$?
[ "$status" = 3 ] || fail "kill -9 of the drill: exit $status, wanted 3"
expect_agreement 3 "$scratch/CHILD" "$scratch/out"
expect_text "$scratch/out" 'its process was ended by signal 9' "what became of the drill"

# All of the harness is killed: what it began deletes its scratch folder.
begin "$scratch/SWEPT"
drill=$(pgrep -P "$harness")
kill -STOP "$harness"
kill -9 "$drill" "$harness"
wait "$harness" 2>"$scratch/null"
all_gone
until_nothing "kill -9 left a scratch folder" ls -A "$TMPDIR"

# All of the harness is killed, with what would delete its scratch folder: the next drill does.
begin "$scratch/KILL"
drill=$(pgrep -P "$harness")
broom=$(pgrep -P "$drill" -f pulldrill-broom)
kill -STOP "$harness"
kill -9 "$broom" "$drill" "$harness"
wait "$harness" 2>"$scratch/null"
all_gone
expect_exit 2 "the history of a killed drill is judged" "$PULLDRILL" judge \
  "$(echo "$scratch"/KILL/*/history.jsonl)"

[ -n "$(ls -A "$TMPDIR")" ] || fail "kill -9 left no scratch folder"
"$PULLDRILL" run tests/lib/small.json -q --out "$scratch/next" -- true >"$scratch/out" 2>&1
[ -z "$(ls -A "$TMPDIR")" ] || fail "the next drill left the scratch folder of a killed one"

# Only the process that the user began is killed: the drills it ran end too.
cp "$scratch/scenario.json" "$scratch/second.json"
"$PULLDRILL" run "$scratch/scenario.json" "$scratch/second.json" -j 2 --out "$scratch/parts" \
  -- "$scratch/clings.sh" "$scratch" >"$scratch/out" 2>"$scratch/err" </dev/null &
harness=$!
exec 8<"$scratch/alive"
read -r -u 8 line
kill -9 "$harness"
wait "$harness" 2>"$scratch/null"
all_gone

# One that comes while images are still being built waits for the drill, alone and in parts; what an
# earlier invocation wrote is gone by then.
jq '.images.agent.layers = ["64MiB"]' "$scratch/scenario.json" >"$scratch/large.json"
cp "$scratch/large.json" "$scratch/larger.json"
for parts in "" "$scratch/larger.json"; do
  rm -rf "$scratch/early" && mkdir "$scratch/early" && echo stale >"$scratch/early/results.json"
  "$PULLDRILL" run "$scratch/large.json" ${parts:+"$parts"} -q -j 2 --out "$scratch/early" \
    >"$scratch/out" 2>"$scratch/err" </dev/null &
  harness=$!
  while grep -qs stale "$scratch/early/results.json"; do :; done
  kill -TERM "$harness"
  wait "$harness"
  status=$?
  [ "$status" = 143 ] || fail "early SIGTERM: exit $status, wanted 143"
  expect_agreement 143 "$scratch/early" "$scratch/out"
done

# One that comes when the first of two drills is over, but its results are still being written (the
# last of them to a FIFO that nobody reads yet): its verdict stands, the second never begins, and that
# is no pass.
cp tests/lib/small.json "$scratch/scenario.json"
cp tests/lib/small.json "$scratch/second.json"
late=$scratch/late/$(tr / - <<<"${scratch#/}")-scenario
mkdir -p "$late" && mkfifo "$late/metrics.txt.part"
"$PULLDRILL" run "$scratch/scenario.json" "$scratch/second.json" -q --out "$scratch/late" \
  >"$scratch/out" 2>"$scratch/err" </dev/null &
harness=$!
until [ -e "$late/report.html" ]; do :; done
kill -INT "$harness"
cat "$late/metrics.txt.part" >"$scratch/null"
wait "$harness"
status=$?
[ "$status" = 130 ] || fail "late SIGINT: exit $status, wanted 130"
expect_agreement 130 "$scratch/late" "$scratch/out"
expect_text "$scratch/err" '1 of 2 scenarios were never begun' "what was not drilled"
finish

#!/usr/bin/env bash
# Open loops: starts that are due by the clock begin whether or not earlier ones have ended, on lanes
# that are made when they are needed; what has to wait for a lane is told; phases that end by what
# happened. No test here looks at a clock: what must run side by side waits for the others.
. tests/lib/small.sh

# The same of a drill that is to pass: on a machine too slow for `every` it says so and is no worse.
run_good() { # WHAT
  local slow='.checks[] | select(.check == "evidence") | .reasons | tostring | test("too slow")'
  rm -rf "$scratch/results"
  "$PULLDRILL" run "$scratch/scenario.json" --out "$scratch/results" >"$scratch/out" \
    2>"$scratch/err" </dev/null
  local status=$?
  journal=$(echo "$scratch"/results/*/journal.json)
  history=$(echo "$scratch"/results/*/history.jsonl)
  [ "$status" = 0 ] || { [ "$status" = 2 ] && jq -e "$slow" "$journal" >"$scratch/null"; } || {
    fail "$1: exit $status, wanted 0"
    tail -n 20 "$scratch/out" | sed 's/^/    /'
  }
}
evidence() { # VERDICT PATTERN WHAT
  jq -e --arg v "$1" --arg p "$2" '.checks[] | select(.check == "evidence")
    | .verdict == $v and ([.reasons[]?] + [.actual] | any(test($p)))' "$journal" >"$scratch/null" ||
    fail "$3: $(jq -c '.checks[] | select(.check == "evidence") | [.verdict, .reasons, .actual]' \
      "$journal")"
}

# meets.sh DIR N COMMAND...: waits until N starts are here side by side, then runs COMMAND. The
# first N-1 hang at the FIFO until the N-th opens it; those that come later pass.
cat >"$scratch/meets.sh" <<'S'
#!/bin/bash
dir=$1 wanted=$2
shift 2
mkdir "$dir/$PULLDRILL_START_ID"
if [ ! -e "$dir/all" ]; then
  if [ "$(ls -d "$dir"/[0-9]* | wc -l)" -ge "$wanted" ]; then
    touch "$dir/all"
  fi
  # A pipe that is opened for both ways never blocks: the last one writes a line for everybody.
  exec 5<>"$dir/gate"
  if [ -e "$dir/all" ]; then
    for ((i = 0; i < 100; i++)); do echo go >&5; done
  else
    read -r -u 5 line
  fi
fi
exec "$@"
S
chmod +x "$scratch/meets.sh"
gate() {
  rm -rf "$scratch/gate" && mkdir "$scratch/gate" && mkfifo "$scratch/gate/gate"
}
meets() { # N: the subject as one whose starts wait for each other
  echo '.subjects.puller.command = ["'"$scratch/meets.sh"'", "'"$scratch/gate"'", "'"$1"'"]
    + .subjects.puller.command | del(.subjects.puller.concurrency)'
}

# The loop is open: with a bound on starts side by side six of them could never meet. Lanes are made
# on demand, at most as many as meet, and stay for the starts that come later.
gate
scenario "$(meets 6)"' | .subjects.puller.every = "20ms" | .phases[0].starts = 6'
run_good "six starts that wait for each other"
holds '[.[] | select(.event == "start-begin" and .phase == "steady") | .lane] | sort | unique
  | length == 6' "six lanes"
holds '([.[] | select(.event == "start-begin" and .phase == "steady")][-1].n)
  < ([.[] | select(.event == "start-end")][0].n)' "all began before the first ended"
holds '[.[] | select(.event == "start-begin" and .phase != null) | .start] == [range(1; 11)]' \
  "planned numbers in the order in which they are due"

# max-in-flight: the third start is due while the first two hang, and waits for one of them to be
# killed at its time-out. No start is left out, the wait is told once, and the verdict says it.
gate
scenario "$(meets 3)"' | .subjects.puller |= (.every = "10ms" | .["max-in-flight"] = 2
  | .timeout = "2s") | .baseline = {"none": "the starts hang on purpose"}
  | .phases = [{"name": "steady", "starts": 5}] | del(.faults, .expect)'
run 2 "a third start while two are in flight"
holds '[.[] | select(.event == "start-begin" and .phase == "steady")] | length == 5' "none left out"
holds '[.[] | select(.event == "action" and .action == "max-in-flight")]
  | length == 1 and .[0].ok == false and .[0].subject == "puller" and .[0].start == 3' "told once"
holds '[.[] | select(.event == "start-begin" and .start == 3)][0]
  | .["waited-ns"] > 0 and .["late-ns"] >= .["waited-ns"]' "how long it waited"
holds '[.[] | select(.event == "start-begin") | .lane] | unique == [1, 2]' "two lanes"
evidence inconclusive \
  "3 starts of puller were due while max-in-flight \(2\) was reached; the first was start 3, up to" \
  "evidence says what waited"

# A phase by time does not wait for a lane: what was due and could not begin is told at its end, and
# the numbers of the next phase are what they would be in any case.
gate
scenario "$(meets 3)"' | .subjects.puller |= (.every = "50ms" | .["max-in-flight"] = 1
  | .timeout = "3s") | .baseline = {"none": "the starts hang on purpose"}
  | .phases = [{"name": "steady", "for": "250ms"}, {"name": "later", "starts": 1}]
  | del(.faults, .expect)'
run 2 "a phase by time with starts that wait"
holds '[.[] | select(.event == "start-begin" and .phase == "steady") | .start] == [1]' "one began"
holds '[.[] | select(.event == "start-begin" and .phase == "later") | .start] == [6]' "numbers"
holds '[.[] | select(.event == "action" and .action == "not-begun")]
  | length == 1 and .[0].start == 2 and (.[0].detail | test("^4 starts of puller had been due"))' \
  "what will never begin is told"
evidence inconclusive "phase steady: 4 starts of puller had been due" "evidence says so"

# A lane with a setup is set up before the first phase, and all that may be in flight are.
gate
scenario "$(meets 3)"' | .subjects.puller |= (.every = "10ms" | .["max-in-flight"] = 3
  | .setup = ["true"]) | .phases = [{"name": "steady", "starts": 3}] | del(.faults)'
run_good "lanes with a setup"
holds '([.[] | select(.event == "action" and .action == "setup" and .ok) | .lane] | sort)
  == [1, 2, 3]' "three lanes set up"
holds '([.[] | select(.action == "setup")][-1].n) < ([.[] | select(.event == "phase-begin")][0].n)' \
  "before the first phase"

# An open loop beside a closed one: the numbers are those of the plan, whatever begins first.
scenario '.subjects.other = (.subjects.puller | del(.concurrency) | .every = "40ms")
  | .subjects.puller.concurrency = 1 | .phases[0].starts = 4'
run_good "an open loop beside a closed one"
holds '[.[] | select(.event == "start-begin" and .phase == "steady" and .subject == "puller")
  | .start] == [1, 3, 5, 7]' "the closed one"
holds '[.[] | select(.event == "start-begin" and .phase == "steady" and .subject == "other")
  | .start] == [2, 4, 6, 8]' "the open one"

# until: the phase ends as soon as the fault has fired so often, in the middle of what runs.
scenario '.subjects.puller |= (.every = "20ms" | del(.concurrency))
  | .phases[1] = {"name": "outage", "faults": ["broken"], "until": {"event": "fault-decided",
    "count": 5, "at-most": "60s", "registry": "primary", "fault": "broken", "subject": "puller"}}
  | .phases[2] = {"name": "recovery", "starts": 2} | .faults.broken.exposure = "1%"'
run_good "until a fault has fired five times"
holds 'any(.[]; .event == "phase-end" and .phase == "outage" and .reason == "until")' "its reason"
holds '([.[] | select(.event == "phase-end" and .phase == "outage")][0].n) as $last
  | [.[] | select(.event == "fault-decided" and .fired and .n < $last)] | length >= 5' "five seen"
holds '([.[] | select(.event == "fault-decided" and .fired)][4].n) as $fifth
  | ([.[] | select(.event == "phase-end" and .phase == "outage")][0].n) as $last
  | [.[] | select(.event == "start-begin" and .n > $fifth and .n < $last)] | length <= 1' \
  "no start later than that"

# With an outcome, on a closed loop, waiting for the starts that run.
scenario '.phases[1] = {"name": "outage", "faults": ["broken"], "end": "ended",
    "until": {"event": "start-end", "count": 3, "outcome": "failed", "at-most": "60s"}}
  | .subjects.puller.command = ["${subjects.dir}/build-start", "--policy", "naive", "--primary",
    "${registry.primary}", "${image.agent}"] | del(.expect)'
run_good "until three starts have failed"
holds '([.[] | select(.event == "phase-end" and .phase == "outage")][0]) as $last
  | $last.reason == "until" and ([.[] | select(.event == "start-end" and .phase == "outage"
    and .outcome == "failed" and .n < $last.n)] | length >= 3)' "three failed before"
holds '([.[] | select(.event == "phase-end" and .phase == "outage")][0].n) as $last
  | ([.[] | select(.event == "start-begin" and .phase == "outage")] | length)
    == ([.[] | select(.event == "start-end" and .phase == "outage" and .n < $last)] | length)' \
  "end: ended waits for what runs"

# The event has come while starts still run, longer than until the next one would have been due: none
# is due any more, and the drill goes on to answer, to end what hangs, and to end.
gate
scenario "$(meets 3)"' | .limit = "20s" | .subjects.puller |= (.every = "10ms" | .timeout = "500ms")
  | .baseline = {"none": "the starts hang on purpose"} | del(.faults, .expect)
  | .phases = [{"name": "steady", "end": "ended",
    "until": {"event": "start-begin", "count": 2, "at-most": "10s"}}]'
rm -rf "$scratch/results"
"$PULLDRILL" run "$scratch/scenario.json" -q --out "$scratch/results" >"$scratch/out" 2>&1
history=$(echo "$scratch"/results/*/history.jsonl)
holds '[.[] | select(.event == "phase-end")] | length == 1 and .[0].reason == "until"' "its event"
holds '[.[] | select(.event == "start-begin" and .phase != null)] | length == 2' "none began later"
holds '.[-1] | .event == "drill-end" and .reason == "completed"' "it came to its end"

# at-most: nothing fails, so the wait for a failure ends by itself, and says how far it came.
scenario '.phases[1] = {"name": "outage", "faults": ["broken"],
    "until": {"event": "start-end", "count": 3, "outcome": "failed", "at-most": "400ms"}}
  | .faults.broken.exposure = "1%"'
run 2 "at-most is up"
holds 'any(.[]; .event == "phase-end" and .phase == "outage" and .reason == "at-most")' "its reason"
evidence inconclusive 'phase outage: "at-most" \(400ms\) was up with 0 of 3 start-end seen' \
  "evidence says how many were seen"

# Interrupted while starts wait: nothing is left running, and what waits is said.
mkfifo "$scratch/alive" "$scratch/never"
cat >"$scratch/hangs.sh" <<'S'
#!/bin/bash
exec 9>"$1/alive"
echo started >&9
read -r line <"$1/never"
S
chmod +x "$scratch/hangs.sh"
jq '.subjects.puller |= (.every = "10ms" | .["max-in-flight"] = 2 | del(.concurrency))
  | .phases = [{"name": "steady", "starts": 10}] | del(.faults)' tests/lib/small.json \
  >"$scratch/scenario.json"
rm -rf "$scratch/results"
"$PULLDRILL" run "$scratch/scenario.json" --out "$scratch/results" -- "$scratch/hangs.sh" \
  "$scratch" >"$scratch/out" 2>"$scratch/err" </dev/null &
harness=$!
exec 8<"$scratch/alive"
read -r -u 8 line && read -r -u 8 line
history=$(echo "$scratch"/results/*/history.jsonl)
tail -n +1 -f --pid="$harness" "$history" | grep -q -m 1 '"action":"max-in-flight"'
kill -INT "$harness"
wait "$harness"
status=$?
cat <&8 >"$scratch/null" # to its end: the last of them is dead
exec 8<&-
[ "$status" = 130 ] || fail "interrupted: exit $status"
holds '.[-1] | .event == "drill-end" and .reason == "interrupted" and .processes == 0
  and (.detail | test("starts? of puller (is|are) due, waiting for a lane"))' "what waited is said"
finish

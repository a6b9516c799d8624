#!/usr/bin/env bash
# Phases end by starts, by time and as soon as their starts have begun; setup, prepare and teardown
# run where they should; a heal reaches what is stalled; a failure names what each part waited for.
. tests/lib/small.sh

# setup once a lane, prepare before each start (and the control start), teardown once a lane.
cat >"$scratch/note.sh" <<'S'
#!/bin/bash
echo "$2" >>"$1/notes-$(basename "$PULLDRILL_LANE_DIR")"
[ "$2" != start ] || exec "${@:3}"
S
chmod +x "$scratch/note.sh"
scenario '.phases = [{"name": "steady", "starts": 3}] | del(.faults) | .subjects.puller
  |= (.concurrency = 1 | .setup = ["'"$scratch"'/note.sh", "'"$scratch"'", "setup"]
  | .prepare = ["'"$scratch"'/note.sh", "'"$scratch"'", "prepare"]
  | .teardown = ["'"$scratch"'/note.sh", "'"$scratch"'", "teardown"]
  | .command = ["'"$scratch"'/note.sh", "'"$scratch"'", "start"] + .command)'
run 0 "setup, prepare, teardown"
notes=$(tr '\n' ' ' <"$scratch/notes-lane-1")
wanted="setup prepare start prepare start prepare start prepare start teardown "
[ "$notes" = "$wanted" ] || fail "the order was $notes"

# A daemon that setup leaves on each lane makes the pulls of its starts and of the control start, is
# there at the teardown, is no leftover, and is gone after the drill, as it is when setup fails.
cat >"$scratch/daemon.sh" <<'S'
#!/bin/bash
# daemon.sh setup HELD STATUS | start COMMAND... | teardown COMMAND...
ask=$PULLDRILL_LANE_DIR/ask answer=$PULLDRILL_LANE_DIR/answer
if [ "$1" = setup ]; then
  mkfifo "$ask" "$answer"
  exec 9>"$2"
  (setsid bash -c 'while read -r request <"$1"; do bash "$request"; echo $? >"$2"; done' \
    daemon "$ask" "$answer" &)
  exit "$3"
fi
{ export -p; printf '%q ' "${@:2}"; } >"$PULLDRILL_LANE_DIR/request"
echo "$PULLDRILL_LANE_DIR/request" >"$ask"
read -r status <"$answer"
exit "$status"
S
chmod +x "$scratch/daemon.sh"
mkfifo "$scratch/held"
daemons() { # STATUS of setup, LANES
  scenario '.subjects.puller |= (.concurrency = '"$2"'
    | .setup = ["'"$scratch/daemon.sh"'", "setup", "'"$scratch/held"'", "'"$1"'"]
    | .teardown = ["'"$scratch/daemon.sh"'", "teardown", "true"]
    | .command = ["'"$scratch/daemon.sh"'", "start"] + .command)'
  cat "$scratch/held" >"$scratch/null" &
  reader=$!
}
gone() { # end of file: the last daemon is dead; the suite's own time-out is the limit
  : <>"$scratch/held" # there may have been none
  wait "$reader"
}
daemons 0 2
run 0 "a daemon on each lane"
gone
holds '[.[] | select(.event == "action" and .action == "teardown" and .ok)] | length == 2' \
  "a teardown that talks to its daemon"
daemons 1 1
run 3 "a setup that fails and leaves a daemon"
gone
holds 'any(.[]; .event == "action" and .action == "teardown" and .ok)' \
  "the daemon of a failed setup is there at the teardown"

# A timed phase ends by its time, a counted one by its starts.
scenario '.phases[0] = {"name": "steady", "for": "300ms"}'
run 0 "a timed phase"
holds 'any(.[]; .event == "phase-end" and .phase == "steady" and .reason == "time")' "time"
holds 'any(.[]; .event == "phase-end" and .phase == "outage" and .reason == "starts")' "starts"

# A stall until healed: the phase ends as soon as its starts have begun and are stalled (the client
# has no time-out of its own), and every one of them goes on to work after the heal.
scenario '.faults.broken = {"on": "primary", "kind": "stall", "after-bytes": 1000,
    "match": {"op": "blob-get"}}
  | .phases[1] = {"name": "outage", "for": "2s", "faults": ["broken"]}
  | .phases[2] = {"name": "recovery", "starts": 2}
  | .subjects.puller.command = ["${subjects.dir}/no-time-out.sh"]'
run 0 "a stall that is healed"
holds '[.[] | select(.event == "start-end" and .phase == "outage")]
  | length == 2 and all(.[]; .outcome == "worked")' "stalled starts work after the heal"
holds '([.[] | select(.event == "fault-healed")][0].n) as $healed
  | [.[] | select(.event == "start-end" and .phase == "outage")] | all(.[]; .n > $healed)' \
  "they waited for the heal"

# end: begun needs no time at all.
scenario '.phases[1] |= (.end = "begun" | .starts = 2)
  | .phases[2] = {"name": "recovery", "starts": 2}
  | .faults.broken = {"on": "primary", "kind": "latency", "delay": "1ms"}'
run 2 "a phase that ends when its starts have begun, too soon for them to meet its fault"
holds 'any(.[]; .event == "phase-end" and .phase == "outage" and .reason == "starts")' "begun"

# A start begins when its prepare has ended: the phase waits for that, so that each start of it meets
# its faults armed.
scenario '.phases[1] |= (.end = "begun" | .starts = 2) | .subjects.puller.prepare = ["true"]'
run 2 "a phase that ends when its prepared starts have begun"
holds '([.[] | select(.event == "phase-end" and .phase == "outage")][0].n) as $last
  | [.[] | select(.event == "start-begin" and .phase == "outage" and .n < $last)] | length == 2' \
  "both began before the phase ended"
jq -e '.checks[] | select(.check == "exposure") | .verdict == "inconclusive"' "$journal" \
  >"$scratch/null" || fail "the fault was not met, and exposure does not say so"

# The same fault in adjacent phases stays on, with its counters.
scenario '.faults.broken.when = {"limit": 3} | .phases[1].starts = 2
  | .phases[2] = {"name": "longer", "starts": 4, "faults": ["broken"]}'
run 0 "adjacent phases"
holds '[.[] | select(.event == "fault-armed")] | length == 1' "armed once"
holds '[.[] | select(.event == "fault-decided" and .fired == true)] | length == 3' "limit 3"

# A failure of the harness in the middle stops everything at once and says who waited for what. The
# second prepare fails once the command behind the first one runs.
mkfifo "$scratch/runs" "$scratch/forever"
scenario '.phases[0].starts = 4 | .subjects.puller
  |= (.prepare = ["sh", "-c",
    "mkdir '"$scratch"'/once && exit 0; : > '"$scratch"'/runs; exit 1"]
  | .command = ["sh", "-c",
    "exec 8< '"$scratch"'/runs; read line < '"$scratch"'/forever"] | .timeout = "300s")'
run 3 "a prepare that fails while another start runs"
jq -e '.verdict == "error" and .blame == "harness" and (.why | test("prepare"))' "$journal" \
  >"$scratch/null" || fail "the journal does not say that prepare failed: $(jq .why "$journal")"
jq -e '.why | test("waits for its command")' "$journal" >"$scratch/null" ||
  fail "the journal does not say what the other lane waited for"
finish

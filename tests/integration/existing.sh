#!/usr/bin/env bash
# `existing` in whole drills: connections that are idle, stalled or in the middle of an answer when a
# fault begins are ended as it says, phase after phase, and the starts on them go on to work.
. tests/lib/small.sh

# Starts that a stall holds (which goes on) are cut off when the second fault begins, by RST or by
# FIN, and reach the failover; so are those of the phase after the next, where it begins again.
for existing in reset close; do
  how=ours-rst
  [ "$existing" = reset ] || how=ours-fin
  scenario '{"on": "primary", "kind": "stall", "match": {"op": "manifest-*"}, "when": {"limit": 2}}
      as $stall | .faults = {"silent": $stall, "silent-again": $stall,
      "cuts": {"on": "primary", "kind": "status", "code": 503, "existing": "'$existing'",
        "match": {"op": "manifest-*"}, "exposure": "1%"}}
    | .subjects.puller.command += ["--head-timeout", "50s", "--deadline", "55s"]
    | def held($name; $fault): {"name": $name, "faults": [$fault], "until": {
        "event": "fault-decided", "fault": $fault, "count": 2, "at-most": "50s"}};
      .phases = [{"name": "steady", "starts": 2}, held("held"; "silent"),
      {"name": "cut", "faults": ["silent", "cuts"], "starts": 1},
      held("held-again"; "silent-again"),
      {"name": "cut-again", "faults": ["silent-again", "cuts"], "starts": 1}]'
  run 0 "stalled connections and existing: $existing"
  for phase in held held-again; do
    holds '[.[] | select(.event == "start-begin" and .phase == "'$phase'") | .start] as $held
      | [.[] | select(.event == "connection-close" and .fault == "cuts"
        and (.start as $s | $held | index($s) != null))]
      | length >= 1 and all(.[]; .how == "'$how'")' "$existing: $phase is cut"
  done
  holds '[.[] | select(.event == "response" and .end == "cut" and (.faults | test("^silent(-again)? cuts$")))]
    | length >= 4' "$existing: the stalled answers end"
  holds '[.[] | select(.event == "start-end" and .phase != null)]
    | length >= 7 and all(.[]; .outcome == "worked")' "$existing: every start works"
done

# The default keeps them: the stalled ones wait for the heal, while others come and go.
scenario '.faults = {"silent": {"on": "primary", "kind": "stall", "match": {"op": "manifest-*"},
      "when": {"limit": 2}},
    "fails": {"on": "primary", "kind": "status", "code": 503, "match": {"op": "blob-*"},
      "exposure": "1%"}}
  | .subjects.puller.concurrency = 3
  | .subjects.puller.command += ["--head-timeout", "50s", "--deadline", "55s"]
  | .phases = [{"name": "steady", "starts": 2},
    {"name": "held", "faults": ["silent"], "until": {"event": "fault-decided",
      "fault": "silent", "count": 2, "at-most": "50s"}},
    {"name": "kept", "faults": ["silent", "fails"], "starts": 3, "end": "begun"},
    {"name": "recovery", "starts": 1}]'
run 0 "existing is keep where it is not said"
holds '([.[] | select(.event == "fault-healed" and .fault == "silent")][0].n) as $healed
  | [.[] | select(.event == "response" and (.faults // "" | test("silent")))]
  | length >= 2 and all(.[]; .n > $healed)' "they wait for the heal"
holds 'any(.[]; .event == "connection-close" and .fault != null) | not' "none is cut"
finish

#!/usr/bin/env bash
# What phases do at their beginning: in order, before their faults and their first start; a drill
# that ends while a command runs kills it.
. tests/lib/check.sh

scenario() { # JQ-FILTER: the small scenario, changed
  jq "$1" tests/lib/small.json >"$scratch/scenario.json"
}
run() { # WANTED WHAT
  rm -rf "$scratch/results"
  expect_exit "$1" "$2" "$PULLDRILL" run "$scratch/scenario.json" --quiet --out "$scratch/results"
  history=$(echo "$scratch"/results/*/history.jsonl)
}
events() { # JQ-FILTER: a word for each event that has one
  jq -r "$1" "$history" | tr '\n' ' '
}

# A command is told what subjects are told, in a folder of its own, and is no start of theirs: it
# may pull as it likes. Nothing else begins until it has ended.
cat >"$scratch/announce" <<'SH'
#!/bin/bash
curl -fsS --noproxy '*' "http://$1/v2/" >"$PULLDRILL_LANE_DIR/answer" || exit 1
[ "$PULLDRILL_REGISTRY_PRIMARY" = "$1" ] && [ -d "$PULLDRILL_START_DIR" ] &&
  [ "$2" = "$PULLDRILL_IMAGE_AGENT" ]
SH
chmod +x "$scratch/announce"
scenario "[.phases | length - 1] as [\$last]
  | .images.next = {\"ref\": .images.agent.ref, \"on\": [], \"layers\": [\"4KiB\"]}
  | .phases[\$last].do = [{\"publish\": \"next\", \"on\": [\"failover\"]},
      {\"run\": [\"$scratch/announce\", \"\${registry.primary}\", \"\${image.agent}\"]},
      {\"publish\": \"next\"}, {\"move-tag\": \"agent\", \"as\": \"ci/agent:before\"}]"
run 0 "a phase that does four things"
order=$(events 'select(.event | . == "phase-begin" or . == "action" or . == "fault-armed"
  or . == "start-begin") | select(.control | not)
  | [.event, .action, .registry, .image, .reference] | map(select(.)) | join(" ")')
publish='action publish failover next ci/agent:stable action run action publish primary next'
publish+=' ci/agent:stable action move-tag primary agent ci/agent:before action move-tag failover'
publish+=' agent ci/agent:before fault-armed start-begin'
[[ $order == *"phase-begin $publish "* ]] || fail "the events of the phase are: $order"
jq -e '.checks[] | select(.check == "healed") | .verdict == "pass"' \
  "$scratch"/results/*/journal.json >"$scratch/null" || fail "what was published cannot be pulled"
expect_exit 0 "judged again" "$PULLDRILL" judge "$history"

# A start that runs across the edge of a phase sees the tag move under it, and works whichever image
# it is given; it is not held to the new one.
scenario '.images.next = {"ref": .images.agent.ref, "on": [], "layers": ["4KiB"]}
  | del(.faults) | .phases = [
    {"name": "steady", "starts": 2}, {"name": "edge", "starts": 2, "end": "begun"},
    {"name": "released", "do": [{"publish": "next"}], "starts": 2}]
  | .expect = [{"check": "starts-succeed"}, {"check": "fresh-after-publish", "image": "next"}]'
run 0 "a tag that moves under a start"

# The canaries that were dealt are those that the events tell, the same ones for the same seed.
scenario '.images.next = {"ref": "ci/agent:next", "canary-of": "agent", "canary": "25%",
    "layers": ["4KiB"]}
  | del(.faults) | .phases = [{"name": "steady", "starts": 8}]
  | .expect = [{"check": "starts-succeed"},
      {"check": "version-share", "image": "next", "min": "25%", "max": "25%"}]'
run 0 "one start in four"
dealt=$(events 'select(.canary == "next") | .start')
[ "$(wc -w <<<"$dealt")" = 2 ] || fail "the canaries are the starts $dealt"
run 0 "one start in four, again"
[ "$dealt" = "$(events 'select(.canary == "next") | .start')" ] || fail "other starts are canaries"

# An interrupt while the command of a phase runs: it is killed, with what it has begun.
mkfifo "$scratch/go"
scenario ".phases[0].do = [{\"run\": [\"bash\", \"-c\",
  \"sleep 600 & echo \$! >'$scratch/pid'; echo >'$scratch/go'; wait\"]}]"
"$PULLDRILL" run "$scratch/scenario.json" --quiet --out "$scratch/results" >"$scratch/out" \
  2>"$scratch/err" </dev/null &
pid=$!
read -r _ <"$scratch/go"
kill -TERM "$pid"
wait "$pid"
status=$?
[ "$status" = 143 ] || fail "interrupted: exit $status, wanted 143"
expect_text "$scratch/out" 'waits for a command of its "do"' "what the drill waited for is told"
kill -0 "$(cat "$scratch/pid")" 2>"$scratch/null" && fail "what the command began still runs"
finish

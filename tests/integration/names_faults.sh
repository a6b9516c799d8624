#!/usr/bin/env bash
# In names mode: faults of the name server and of the network meet the starts they are for, show in
# lookups and in what the kernel counts, and are over at once when they are healed. Skipped where
# lanes cannot have networks of their own.
. tests/lib/check.sh

cat >"$scratch/scenario.json" <<'JSON'
{
  "version": 1,
  "title": "Names that fail, a network that comes late",
  "seed": 3,
  "registries": {
    "primary": {"names": ["quay.io"], "tls": false},
    "failover": {"names": ["public.ecr.aws"], "tls": false}
  },
  "images": {"agent": {"ref": "ci/agent:stable", "layers": ["4KiB"]}},
  "subjects": {
    "puller": {
      "command": [
        "sh", "-c",
        "until \"$@\"; do sleep 0.1; done", "sh",
        "${subjects.dir}/build-start", "--primary", "quay.io:80", "--failover", "public.ecr.aws:80",
        "${image.agent}"
      ],
      "reach": "names",
      "timeout": "60s"
    }
  },
  "faults": {
    "unknown": {"on": "primary", "kind": "dns-nxdomain"},
    "slow": {"on": "primary", "kind": "dns-slow", "delay": "100ms", "jitter": "50ms"},
    "flap": {"on": "primary", "kind": "dns-flap", "failures": 1, "answer": "nxdomain"},
    "gone": {"on": "primary", "kind": "refuse"},
    "hole": {"on": "primary", "kind": "black-hole"},
    "late": {"on": "puller", "kind": "network-late", "for": "300ms"},
    "stuck": {"on": "primary", "kind": "dns-slow", "delay": "1h"},
    "never": {"on": "puller", "kind": "network-late", "for": "1h"}
  },
  "phases": [
    {"name": "steady", "starts": 2},
    {"name": "nobody-knows-it", "starts": 2, "faults": ["unknown"]},
    {"name": "late-answer", "starts": 2, "faults": ["slow"]},
    {"name": "on-and-off", "starts": 2, "faults": ["flap"]},
    {"name": "refused", "starts": 2, "faults": ["gone"]},
    {"name": "dropped", "starts": 2, "faults": ["hole"]},
    {"name": "late-network", "starts": 2, "faults": ["late"]},
    {
      "name": "answer-at-the-heal", "faults": ["stuck"],
      "until": {"event": "fault-decided", "fault": "stuck", "at-most": "20s"}
    },
    {"name": "after-it", "starts": 1},
    {
      "name": "network-at-the-heal", "faults": ["never"],
      "until": {"event": "fault-decided", "fault": "never", "at-most": "20s"}
    },
    {"name": "recovery", "starts": 2}
  ],
  "expect": [
    {"check": "starts-succeed"},
    {"check": "no-unmapped-names"},
    {"check": "no-needless-fallback"},
    {"check": "served-by", "registry": "failover", "during": "nobody-knows-it", "min": "100%"},
    {"check": "served-by", "registry": "failover", "during": "refused", "min": "100%"},
    {"check": "served-by", "registry": "failover", "during": "dropped", "min": "100%"},
    {"check": "served-by", "registry": "primary", "during": "late-answer", "min": "100%"},
    {"check": "served-by", "registry": "primary", "during": "on-and-off", "min": "100%"},
    {"check": "returns-to", "registry": "primary", "during": "recovery", "within-starts": 1}
  ]
}
JSON

out=$scratch/out.d
"$PULLDRILL" run "$scratch/scenario.json" --out "$out" >"$scratch/out" 2>"$scratch/err" </dev/null
status=$?
if [ "$status" = 77 ]; then
  echo "SKIP: $(jq -r '.scenarios[].why' "$out/results.json")"
  finish
fi
[ "$status" = 0 ] || {
  fail "exit $status"
  tail -n 40 "$scratch/out" "$scratch/err" | sed 's/^/    /'
}
history=$(echo "$out"/*/history.jsonl)
journal=${history%/*}/journal.json

# holds WHAT FILTER: FILTER is true of the array of all events.
holds() {
  jq -es "$2" "$history" >"$scratch/null" 2>&1 || fail "$1"
}
count='def lookups(f): map(select(.event == "lookup" and f));'
holds "names are looked up by starts" \
  "$count lookups(.start == 1 and .registry == \"primary\" and .name == \"quay.io\") | length > 0"
for pair in unknown=nxdomain flap=nxdomain slow=198.18.1.1 stuck=198.18.1.1; do
  holds "$pair" "$count [lookups(.faults == \"${pair%=*}\")[].answer] | any(. == \"${pair#*=}\")"
done
holds "what flaps is answered in the end" \
  "$count ([.[] | select(.event == \"start-begin\" and .phase == \"on-and-off\").start]) as \$s |
    \$s - [lookups(.answer == \"198.18.1.1\" and (.faults | not))[].start] == []"
holds "a slow answer waits" "$count [lookups(.faults == \"slow\")[].\"waited-ns\"] | min >= 50e6"
holds "the kernel counts who was refused" \
  '[.[] | select(.event == "counter" and .counter == "tcp-attempt-fails" and .value > 0)] != []'
holds "the kernel counts what was dropped" \
  '[.[] | select(.event == "counter" and .counter == "tcp-listen-drops" and .value > 0)] != []'
holds "a start is decided on before its command runs" \
  '[.[] | select(.event == "fault-decided" and .op == "start")] | length >= 3 and all(.fired)'
jq -e '[.faults[] | select(.name == "gone" or .name == "hole") | .evidence] == ["counter", "counter"]' \
  "$journal" >"$scratch/null" || fail "refusals and black holes are not shown by counters"
jq -e '.faults | all(.exposure >= 0.8)' "$journal" >"$scratch/null" || {
  fail "a fault was not met"
  jq -c '.faults[] | {name, planned, met}' "$journal"
}
jq -e '[.phases[] | select(.name | endswith("at-the-heal")) | .reason] | all(. == "until")' \
  "$journal" >"$scratch/null" || fail "a phase did not end by its event"
finish

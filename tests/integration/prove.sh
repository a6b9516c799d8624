#!/usr/bin/env bash
# release only: library.sh proves more
# `prove` tells whether a scenario tells good from bad, and says where it does not.
. tests/lib/check.sh

good='"${subjects.dir}/build-start", "--primary", "${registry.primary}", "--failover",
  "${registry.failover}", "${image.agent}", "--policy"'
scenario() { # JQ-FILTER: the small scenario with variants, changed; proof.must-fail is the filter's
  jq ".subjects.puller.variants = {
      \"retry-only\": {\"command\": [$good, \"retry\", \"--deadline\", \"3s\"]},
      \"copy\": {\"command\": [$good, \"failover\"]},
      \"broken\": {\"command\": [\"false\"]}}
    | .expect += [{\"check\": \"same-digest\", \"image\": \"agent\"}]
    | $1" tests/lib/small.json >"$scratch/scenario.json"
}
must_fail() { # VARIANT REASONS: one bad twin
  scenario ".proof.\"must-fail\" = [{\"variant\": \"$1\", \"because\": $2}]"
}
prove() { # WANTED WHAT [OPTION...]
  local wanted=$1 what=$2
  shift 2
  rm -rf "$scratch/results"
  expect_exit "$wanted" "$what" "$PULLDRILL" prove "$scratch/scenario.json" --quiet -j 2 --out \
    "$scratch/results" "$@"
}
table() { # WANTED WHAT [OPTION...]: and what it writes agrees
  prove "$@"
  expect_agreement "$1" "$scratch/results" "$scratch/out"
}
journal() { # CELL FILTER WHAT
  jq -e "$2" "$scratch"/results/*/"$1"/journal.json >"$scratch/null" || fail "$3"
}

# A good subject and a twin that is caught, and stopped at once: not all its starts are made, but
# the control and the probes are.
must_fail retry-only '["starts-succeed"]'
sed -i 's/"starts": 4/"starts": 40/' "$scratch/scenario.json"
table 0 "a twin that is caught"
expect_text "$scratch/out" '^  good +passed' "the good subject is in the table"
expect_text "$scratch/out" '^  retry-only +caught .*starts-succeed' "the twin is in the table"
expect_text "$scratch/out" '^2 passed, 0 failed, 0 inconclusive$' "the last line counts cells"
journal good '.verdict == "pass"' "the good subject's journal does not pass"
journal retry-only '.verdict == "fail" and .reason == "lost"' "the twin was not stopped"
journal retry-only '.starts.worked + .starts.failed < 20' "the twin's starts were all made"
journal retry-only '[.checks[] | select(.check == "control" or .check == "healed"
  or .check == "evidence") | .judged and .verdict == "pass"] | all and length == 3' \
  "control, healed or evidence was not judged in a stopped drill"
jq -e '.scenarios[0].starts.worked > 0' "$scratch/results/results.json" >"$scratch/null" ||
  fail "results.json counts no start of the proof"
grep -q '<property name="version" value="[0-9]' "$scratch/results/junit.xml" ||
  fail "junit.xml does not say the version"
# A saved history of it comes to the same verdict.
expect_exit 1 "judge of a stopped drill" "$PULLDRILL" judge \
  "$scratch"/results/*/retry-only/history.jsonl

# The same as JSON: every event, then the table.
prove 0 "a stream of events" --format json
expect_stream 0 "$scratch/results" "$scratch/out"
jq -es '[.[] | select(.event == "verdict") | .variant + " " + (.round | tostring)] | sort
  == ["good 1", "retry-only 1"]' "$scratch/out" >"$scratch/null" || fail "a drill has no verdict"
tail -n 1 "$scratch/out" | jq -e '.exit == 0 and .tally.passed == 2 and [.scenarios[].cells[] | .name + " " + .outcome]
  == ["good passed", "retry-only caught"]' >"$scratch/null" || fail "the table says something else"

# A twin that passes is not caught, and is named.
must_fail copy '["starts-succeed"]'
table 1 "a twin that passes"
expect_text "$scratch/out" '^  copy +not caught .*starts-succeed was to fail, but passed' \
  "the twin that passes is named"
expect_text "$scratch/out" 'replay: .* --variant copy ' "its replay is told"
grep -q 'testcase name="twin: copy"' "$scratch/results/junit.xml" || fail "JUnit lacks the twin"

# A twin that fails for another reason than the one named.
must_fail retry-only '["same-digest"]'
table 1 "a twin that fails for another check"
expect_text "$scratch/out" '^  retry-only +not caught .*same-digest was to fail' "the check is named"
must_fail broken '["starts-succeed"]'
table 1 "a twin that fails an always-on check besides"
expect_text "$scratch/out" '^  broken +not caught .*baseline was to pass' "the baseline is named"

# Where the baseline is named it is caught, and what is then not judged does not count.
must_fail broken '["baseline", "starts-succeed"]'
table 0 "a twin that is sick, as it should be"

# A twin whose failing starts never met the fault has failed for a reason of its own.
cat >"$scratch/stays-away" <<'SH'
#!/bin/bash
[ "$PULLDRILL_START_ID" -le 2 ] || exit 1
exec "$@"
SH
chmod +x "$scratch/stays-away"
scenario ".proof.\"must-fail\" = [{\"variant\": \"copy\", \"because\": [\"starts-succeed\"]}]
  | .subjects.puller.variants.copy.command |= [\"$scratch/stays-away\"] + ."
table 1 "a twin that never meets the fault"
expect_text "$scratch/out" '^  copy +not caught .*fault broken fired 0 times' "the fault is named"

# A scenario without twins proves nothing.
scenario .
table 2 "a scenario without twins"
expect_text "$scratch/out" 'no bad twins' "the lack of twins is told"
prove 0 "a scenario without twins, turned" --inconclusive pass

# A reason that is no check, and other misuse.
must_fail retry-only '["starts-suceed"]'
prove 4 "an unknown reason"
must_fail retry-only '["starts-succeed"]'
prove 4 "--subject without a command" --subject puller
prove 4 "an unknown subject" --subject nobody -- true
prove 4 "--times 0" --times 0
prove 5 "no scenario with the tag" --tag nothing

# One's own command takes the good subject's place; the twins run as they stand.
pull=("${PULLDRILL_SUBJECTS:-$(dirname "$PULLDRILL")/subjects}/build-start" --primary
  '${registry.primary}' --failover '${registry.failover}' '${image.agent}' --policy)
table 0 "a good command" --subject puller -- "${pull[@]}" failover
table 1 "a bad command" --subject puller -- "${pull[@]}" retry --deadline 3s
expect_text "$scratch/out" '^  good +failed .*starts-succeed failed' "the bad command is told"
expect_text "$scratch/out" '^  retry-only +caught' "the twin still holds"
table 2 "a command that does nothing" -- true
expect_text "$scratch/out" '^  good +inconclusive .*baseline was inconclusive .*no registry told it' \
  "the command that does nothing is told"

# One that passes for the wrong reason is caught by the controls: it has its image from somewhere
# else, or from the failover alone.
cat >"$scratch/kept" <<'SH'
#!/bin/bash
"$@" || echo "runs what was here before"
SH
chmod +x "$scratch/kept"
table 2 "a command that works with every registry down" -- "$scratch/kept" "${pull[@]}" failover
expect_text "$scratch/out" '^  good +inconclusive .*control .*worked with every registry down' \
  "the command that needs no registry is told"
table 2 "a command that asks the failover only" -- "${pull[@]/registry.primary/registry.failover}" retry
expect_text "$scratch/out" '^  good +inconclusive .*baseline .*asked failover before primary' \
  "the command that never asks the primary is told"

# Every round has its folder; one that differs is a failure.
table 0 "twice" -n 2
expect_text "$scratch/out" '^  retry-only +caught .*2 of 2 times' "the rounds are told"
[ -f "$(echo "$scratch"/results/*/retry-only/2/journal.json)" ] || fail "round 2 has no folder"
cat >"$scratch/now-and-then" <<'SH'
#!/bin/bash
# Fails in the second phase, but only in the drill that comes first.
echo >>"$1"
[ "$(wc -l <"$1")" -gt 7 ] || [ "$(wc -l <"$1")" -le 2 ] || exit 1
shift
exec "$@"
SH
chmod +x "$scratch/now-and-then"
scenario ".proof.\"must-fail\" = [{\"variant\": \"copy\", \"because\": [\"starts-succeed\"]}]
  | .subjects.puller.concurrency = 1 | .faults.broken.\"min-fired\" = 0
  | .subjects.puller.variants.copy.command |= [\"$scratch/now-and-then\", \"$scratch/count\"] + ."
table 1 "verdicts that differ" -n 2 -j 1
expect_text "$scratch/out" '^  copy +differs ' "the twin that differs is named"

# What an earlier proof left, rounds and a twin that are no more, is taken away: `compare` would read
# it. What is not ours stays.
rm -rf "$scratch/results"
must_fail retry-only '["starts-succeed"]'
again=("$PULLDRILL" prove "$scratch/scenario.json" --quiet --out "$scratch/results")
expect_exit 0 "a proof of two rounds" "${again[@]}" -n 2
echo mine >"$(echo "$scratch"/results/*/retry-only)/notes.txt"
must_fail broken '["baseline"]'
expect_exit 0 "another proof in the same folder" "${again[@]}"
cells=$(cd "$scratch"/results/*/ && find . -name '*.jsonl' -o -name notes.txt | sort | tr '\n' ' ')
[ "$cells" = "./broken/history.jsonl ./good/history.jsonl ./retry-only/notes.txt " ] ||
  fail "after another proof there are $cells"

# A harness that fails is an error, whatever the twins do.
scenario '.proof."must-fail" = [{"variant": "broken", "because": ["baseline"]}]
  | .subjects.puller.setup = ["false"]'
table 3 "a failed setup"

# An interrupt is passed on, and what was drilled is told.
must_fail retry-only '["starts-succeed"]'
mkfifo "$scratch/go"
prove_hanging() {
  exec "$PULLDRILL" prove "$scratch/scenario.json" --quiet --out "$scratch/results" -- \
    bash -c "echo >'$scratch/go'; exec sleep 600"
}
prove_hanging >"$scratch/out" 2>"$scratch/err" </dev/null &
pid=$!
read -r _ <"$scratch/go"
kill -TERM "$pid"
wait "$pid"
status=$?
[ "$status" = 143 ] || fail "interrupted: exit $status, wanted 143"
expect_agreement "$status" "$scratch/results" "$scratch/out"
expect_text "$scratch/out" '^  retry-only +inconclusive .*interrupted: 0 of 1 rounds were drilled$' \
  "the twin was not drilled"
[ "$(jq -r '.scenarios[0].blame' "$scratch/results/results.json")" = environment ] ||
  fail "interrupted: $(jq -c '.scenarios[0].blame' "$scratch/results/results.json") is to blame"
# A twin that has lost in its first start is seen through the baseline, which is judged, too.
scenario '.expect += [{"check": "requests", "registry": "failover", "during": "steady", "max": 0}]
  | .subjects.puller.variants.both = {"command": ["sh", "-c",
    "\"$0\" \"$@\" && \"$0\" --primary ${registry.failover} --policy retry ${image.agent}",
    '"$good"', "failover"]}
  | .proof."must-fail" = [{"variant": "both", "because": ["requests"]}]'
table 0 "a twin that loses in the baseline"
journal both '.reason == "lost"' "the twin was not stopped behind its baseline"

finish

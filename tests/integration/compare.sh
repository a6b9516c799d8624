#!/usr/bin/env bash
# release only: what is compared are drills of other tests
# `compare` finds what got worse between two results, is silent between two of the same code, and
# says which file it cannot read.
. tests/lib/check.sh

# A small drill with a bad variant, and the same again.
good='"${subjects.dir}/build-start", "--primary", "${registry.primary}", "--failover",
  "${registry.failover}", "${image.agent}", "--policy"'
jq ".phases[0].starts = 6 | .phases[1].starts = 10
  | .subjects.puller.variants = {\"retry-only\":
      {\"command\": [$good, \"retry\", \"--deadline\", \"2s\"]}}
  | .proof.\"must-fail\" = [{\"variant\": \"retry-only\", \"because\": [\"starts-succeed\"]}]" \
  tests/lib/small.json >"$scratch/drill.json"
# How fast this machine is, and how busy just then, does not matter here: all times are made up.
make_up_times() { # FOLDER
  local journal
  while read -r journal; do
    jq '."lag-p99-ns" = 1000000 | (.phases[] | ."start-seconds", ."fall-back")
      |= with_entries(if .key != "count" and .value > 0 then .value = 400000000 else . end)' \
      "$journal" >"$scratch/timed"
    mv "$scratch/timed" "$journal"
  done < <(find "$scratch/$1" -name journal.json)
}
run() { # FOLDER WANTED [OPTION...]
  local folder=$1 wanted=$2
  shift 2
  expect_exit "$wanted" "run $folder" "$PULLDRILL" run "$scratch/drill.json" --quiet \
    --out "$scratch/$folder" "$@"
  make_up_times "$folder"
}
compare() { # WANTED OLD NEW [OPTION...]
  local wanted=$1 old=$2 new=$3
  shift 3
  expect_exit "$wanted" "compare $old $new" "$PULLDRILL" compare "$scratch/$old" "$scratch/$new" "$@"
}
finding() { # FILTER WHAT: some finding of the JSON in out
  jq -e "[.findings[] | select($1)] | length > 0" "$scratch/out" >"$scratch/null" ||
    { fail "no finding: $2"; jq -c '.findings[] | select(.finding != "same")' "$scratch/out"; }
}

run one 0
run two 0
run bad 1 --variant retry-only
folder=$(basename "$(dirname "$(echo "$scratch"/one/*/journal.json)")")

# Two results of the same code: nothing to say, in all forms a result can be named.
compare 0 one two
expect_text "$scratch/out" '^0 regressions,.* the same$' "the last line"
compare 0 one/results.json two
compare 0 one/"$folder" two/"$folder"/journal.json
compare 0 one two/"$folder"/journal.json
compare 0 one one
expect_text "$scratch/out" '^0 regressions, [0-9]+ the same$' "nothing but the same"

# Real regressions, each named; the other way round they are none.
compare 1 one bad
expect_text "$scratch/out" '^worse +verdict +pass -> fail' "the verdict"
expect_text "$scratch/out" '^worse +check starts-succeed +pass -> fail' "the check"
expect_text "$scratch/out" '^worse +outage: starts +10 of 10 worked -> 0 of 10 worked' "the starts"
expect_text "$scratch/out" '^[1-9][0-9]* regressions?, ' "the last line counts"
compare 1 one bad --format json
finding '.finding == "worse" and .what == "outage: pulls"' "pulls that failed"
finding '.finding == "worse" and (.what | startswith("outage: attempts per start at primary"))' \
  "more attempts"
compare 0 bad one
expect_text "$scratch/out" '^better +verdict +fail -> pass' "the way back"
compare 0 bad bad
expect_text "$scratch/out" '^still bad +verdict +fail' "bad in both is said"
cp -r "$scratch/one" "$scratch/slow"
jq '.phases[]."start-seconds"."p50-ns" *= 2' "$scratch/one/$folder/journal.json" \
  >"$scratch/slow/$folder/journal.json"
compare 1 one slow --format json
finding '.finding == "worse" and .what == "steady: start time p50"' "a slower subject"
[ "$(jq '[.findings[] | select(.finding == "worse")] | length' "$scratch/out")" = \
  "$(jq .tally.worse "$scratch/out")" ] || fail "the tally is not that of the findings"

# What was tested and no longer is.
mkdir "$scratch/none" && jq '.scenarios = []' "$scratch/one/results.json" >"$scratch/none/results.json"
compare 1 one none
expect_text "$scratch/out" '^worse +verdict +pass -> missing; no longer tested' "a missing scenario"
compare 0 none one
expect_text "$scratch/out" '^new ' "a new scenario"
cp -r "$scratch/one" "$scratch/fewer"
jq '.checks |= map(select(.name != "starts-succeed"))' "$scratch/one/$folder/journal.json" \
  >"$scratch/fewer/$folder/journal.json"
compare 1 one fewer
expect_text "$scratch/out" '^worse +check starts-succeed +pass -> missing' "a missing check"

# A drill whose process was lost stands as results.json says, with or without a journal.
cp -r "$scratch/one" "$scratch/lost"
jq '.scenarios[0].verdict = "error" | .scenarios[0].why = "it was killed"' \
  "$scratch/one/results.json" >"$scratch/lost/results.json"
compare 1 one lost
expect_text "$scratch/out" '^worse +verdict +pass -> error; it was killed' "the row counts"
rm -r "${scratch:?}/lost/$folder"
compare 1 one lost
expect_text "$scratch/out" '^worse +verdict +pass -> error' "the row alone"

# Journals of an earlier version, without times and attempts by phase.
cp -r "$scratch/one" "$scratch/early"
jq 'del(."lag-p99-ns", .phases[]."start-seconds", .phases[]."fall-back", .phases[].registries)' \
  "$scratch/one/$folder/journal.json" >"$scratch/early/$folder/journal.json"
compare 0 early one
expect_text "$scratch/out" '^not comparable .*an earlier version' "attempts that are not there"

# Results of prove: the proof, the good subject in full, twins by whether they are caught.
expect_exit 0 "prove" "$PULLDRILL" prove "$scratch/drill.json" --quiet -n 2 --out "$scratch/proof"
make_up_times proof
compare 0 proof proof --format json
finding '.variant == "retry-only" and .round == 2 and .what == "bad twin"' "the twin's second round"
finding '.what == "proof"' "the proof"
finding '.what == "check starts-succeed" and .variant == null' "the good subject's checks"
cp -r "$scratch/proof" "$scratch/spoiled"
cp "$scratch/one/$folder/journal.json" "$scratch/spoiled/$folder/retry-only/2/journal.json"
compare 1 proof spoiled
expect_text "$scratch/out" '^worse +bad twin +fail -> pass; it is not caught' "a twin that passes"
rm -r "${scratch:?}/spoiled/$folder/retry-only/2"
compare 0 proof spoiled
expect_text "$scratch/out" '^not comparable +bad twin .*fewer rounds' "fewer rounds"
rm -r "${scratch:?}/spoiled/$folder/retry-only"
compare 1 proof spoiled
expect_text "$scratch/out" '^worse +bad twin +fail -> missing; no longer tested' "a twin that is gone"
compare 0 one proof

# Files that are none, and files that are hostile: exit 4, and the file is named.
refused() { # WHAT PATTERN OLD NEW
  compare 4 "$3" "$4"
  expect_text "$scratch/err" "$2" "$1"
  [ -s "$scratch/out" ] && fail "$1: something on stdout"
}
refused "no file" 'nowhere' one nowhere
mkdir "$scratch/empty"
refused "an empty folder" 'empty: there is no results.json and no journal.json' empty one
printf '{"scenarios": [' >"$scratch/cut.json"
refused "a file that is cut off" 'cut\.json:1:' one cut.json
printf '{"scenarios": 3}' >"$scratch/three.json"
refused "no list" 'three\.json:1:1: "scenarios" must be an array' one three.json
printf '{"scenarios": [7]}' >"$scratch/seven.json"
refused "no object" 'seven\.json:1:16: a scenario must be an object' one seven.json
for bad in ../one . .. a/b ''; do
  jq --arg folder "$bad" '.scenarios[0].folder = $folder' "$scratch/one/results.json" \
    >"$scratch/up.json"
  refused "a folder elsewhere" 'must name a folder beside' one up.json
done
jq '.scenarios[0].verdict = "fine"' "$scratch/one/results.json" >"$scratch/fine.json"
refused "no verdict" '"verdict" must be one of' one fine.json
cp -r "$scratch/one" "$scratch/broken"
echo '{"version": 1}' >"$scratch/broken/$folder/journal.json"
refused "a broken journal" 'broken/.*/journal\.json:1:1' one broken
jq '.scenario = "other.json"' "$scratch/one/$folder/journal.json" >"$scratch/other.json"
refused "another scenario" 'nothing to compare' "one/$folder" other.json
expect_exit 4 "one result" "$PULLDRILL" compare "$scratch/one"
expect_exit 4 "three results" "$PULLDRILL" compare "$scratch/one" "$scratch/one" "$scratch/one"
expect_exit 4 "an unknown form" "$PULLDRILL" compare "$scratch/one" "$scratch/two" --format xml

expect_exit 0 "help" "$PULLDRILL" compare --help
expect_text "$scratch/out" "Fisher's exact test" "--help tells the rule"
sed '1,/^what counts:/d' "$scratch/out" >"$scratch/rule"
[ "$(wc -l <"$scratch/rule")" -gt 10 ] || fail "the rule is short"
while IFS= read -r line; do
  grep -qF -- "$line" docs/internals.md || fail "docs/internals.md does not say: $line"
done <"$scratch/rule"
finish

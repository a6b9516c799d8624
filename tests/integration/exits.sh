#!/usr/bin/env bash
# Exit codes follow the verdict, and every record of a run says the same.
. tests/lib/check.sh

scenario() { # JQ-FILTER: the small scenario, changed
  jq "$1" tests/lib/small.json >"$scratch/scenario.json"
}
run() { # WANTED WHAT [OPTION...]
  local wanted=$1 what=$2
  shift 2
  rm -rf "$scratch/results"
  expect_exit "$wanted" "$what" "$PULLDRILL" run "$scratch/scenario.json" --out \
    "$scratch/results" "$@"
  expect_agreement "$wanted" "$scratch/results" "$scratch/out"
}

scenario .
run 0 "a good subject"

# A fault whose ref matches nothing was never met: inconclusive, never a pass.
scenario '.faults.broken.match = {"ref": "no/such:image"}'
run 2 "a fault that matches nothing"
expect_text "$scratch/out" 'broken' "the fault that never fired is named"
jq -e '.checks[] | select(.check == "exposure") | .verdict == "inconclusive"' \
  "$scratch"/results/*/journal.json >"$scratch/null" || fail "exposure is not inconclusive"
expect_agreement 2 "$scratch/results" "$scratch/out"
run_turned() {
  expect_exit "$1" "--inconclusive $2" "$PULLDRILL" run "$scratch/scenario.json" --out \
    "$scratch/results" --inconclusive "$2"
}
run_turned 1 fail
run_turned 0 pass

# A check that fails.
scenario '.expect += [{"check": "requests", "registry": "primary", "max": 0}]'
run 1 "a failed check"

# A failed exposure never hides a failed expectation.
scenario '.faults.broken.match = {"ref": "no/such:image"}
  | .expect += [{"check": "requests", "registry": "primary", "max": 0}]'
run 1 "a failed check beside a failed exposure"

# A sick baseline stops the drill: nothing is judged.
scenario '.subjects.puller.command = ["false"]'
run 2 "a sick baseline"
jq -e '[.checks[] | select(.always | not) | .judged] | any | not' \
  "$scratch"/results/*/journal.json >"$scratch/null" || fail "expectations were judged"

# A setup that fails is the harness's failure.
scenario '.subjects.puller.setup = ["false"]'
run 3 "a failed setup"

# The scenario's limit: inconclusive, and it says what each lane was waiting for.
scenario '.limit = "2s" | .subjects.puller.command = ["sleep", "60"]'
run 2 "the limit"
expect_text "$scratch/out" 'lane 1 .*waits for' "the limit says what was waited for"

# Usage, invalid files, nothing selected.
expect_exit 4 "no arguments" "$PULLDRILL"
expect_exit 4 "an unknown verb" "$PULLDRILL" rnu
expect_text "$scratch/err" 'did you mean run' "the nearest verb"
expect_exit 4 "an unknown option" "$PULLDRILL" run --sede 1 scenarios
expect_text "$scratch/err" 'did you mean --seed' "the nearest option"
expect_exit 4 "an option of another verb" "$PULLDRILL" schema --format json
expect_text "$scratch/err" '^pulldrill: --format is no option here; --help lists them$' "no such hint"
expect_exit 4 "an option before the verb" "$PULLDRILL" --quiet run scenarios
expect_text "$scratch/err" '^pulldrill: --quiet: options stand behind a verb' "where options stand"
expect_exit 4 "a file in the verb's place" "$PULLDRILL" tests/lib/small.json
expect_text "$scratch/err" 'to drill it: pulldrill run tests/lib/small\.json$' "the verb it lacks"
expect_exit 4 "no file" "$PULLDRILL" run
for verb in version faults checks; do
  expect_exit 4 "$verb with a word too many" "$PULLDRILL" "$verb" extra
  expect_exit 4 "$verb with an unknown option" "$PULLDRILL" "$verb" --bogus
done
expect_exit 4 "a missing file" "$PULLDRILL" run "$scratch/none.json"
expect_exit 4 "a bad seed" "$PULLDRILL" run scenarios --seed -1
echo '{"version": 1' >"$scratch/bad.json"
expect_exit 4 "an invalid scenario" "$PULLDRILL" run "$scratch/bad.json"
expect_text "$scratch/err" 'bad\.json:[0-9]+:[0-9]+: ' "the place of the mistake"
mkdir "$scratch/empty"
expect_exit 5 "nothing selected" "$PULLDRILL" run "$scratch/empty"
expect_text "$scratch/err" 'no \*\.json file in .*/empty$' "the folder that holds nothing"
expect_exit 5 "no scenario with the tag" "$PULLDRILL" run scenarios --tag no-such-tag
expect_text "$scratch/err" 'none has the tag no-such-tag$' "the tag that none has"
scenario .
expect_exit 4 "a folder to judge" "$PULLDRILL" judge "$scratch/empty"
expect_text "$scratch/err" '/empty is a folder; name the history\.jsonl ' "the file to name"
expect_exit 4 "a folder to report" "$PULLDRILL" report "$scratch/empty"
expect_text "$scratch/err" '/empty is a folder; name the journal\.json ' "the file to name"
expect_exit 0 "help" "$PULLDRILL" --help
for verb in try run prove serve validate explain list faults checks keys schema judge report compare \
  version; do
  expect_exit 0 "$verb --help" "$PULLDRILL" "$verb" --help
  grep -q "usage: pulldrill $verb" "$scratch/out" || fail "$verb --help does not say its usage"
  cp "$scratch/out" "$scratch/help"
  expect_exit 0 "help $verb" "$PULLDRILL" help "$verb"
  cmp -s "$scratch/help" "$scratch/out" || fail "help $verb is not $verb --help"
done
expect_exit 4 "help of no verb" "$PULLDRILL" help rnu
expect_text "$scratch/err" 'rnu is no verb; did you mean run' "the verb that help was to tell of"
expect_exit 0 "report --help" "$PULLDRILL" report --help
for format in text journal summary results junit; do
  expect_text "$scratch/out" "^ +$format +[a-z]" "report --help names the format $format"
done
expect_exit 0 "version" "$PULLDRILL" version
expect_exit 0 "validate" "$PULLDRILL" validate scenarios
expect_exit 0 "list" "$PULLDRILL" list scenarios --format json
jq -e 'length >= 10 and all(.title != "")' "$scratch/out" >"$scratch/null" || fail "list"
expect_exit 0 "faults" "$PULLDRILL" faults --format json
jq -e 'length == 19 and all(.kind != "")' "$scratch/out" >"$scratch/null" || fail "faults"
expect_exit 0 "checks" "$PULLDRILL" checks --format json
jq -e 'length == 19 and all(.check != "")' "$scratch/out" >"$scratch/null" || fail "checks"

# A stdout that cannot be written changes no verdict, but is no success elsewhere.
"$PULLDRILL" run "$scratch/scenario.json" --out "$scratch/results" >/dev/full 2>"$scratch/err"
[ $? = 0 ] || fail "a full stdout changed the verdict"
expect_text "$scratch/err" 'cannot write to stdout' "the lost output is told"
for verb in "list scenarios" schema "serve --registry primary"; do
  # shellcheck disable=SC2086 # words
  "$PULLDRILL" $verb >/dev/full 2>"$scratch/err"
  [ $? = 3 ] || fail "$verb into a full stdout exits $?"
  [ "$(cat "$scratch/err")" = 'pulldrill: cannot write to stdout' ] ||
    fail "$verb into a full stdout: $(cat "$scratch/err")"
done

# Too few descriptors for a loop are told, whatever is asked for.
for files in 4 5 31; do
  for verb in "serve --registry primary" "run $scratch/scenario.json --out $scratch/results" \
    "try -- true"; do
    # shellcheck disable=SC2086 # words
    expect_exit 3 "$verb with $files open files" bash -c 'ulimit -n "$1" && exec "${@:2}"' - \
      "$files" "$PULLDRILL" $verb
    expect_text "$scratch/err" "^pulldrill: $files open files are allowed, .* 32 " "what is missing"
  done
done

# The replay command works as it is printed, also where the program's path and the file's hold blanks.
mkdir "$scratch/a folder"
ln -s "$PULLDRILL" "$scratch/a folder/pulldrill"
cp "$scratch/scenario.json" "$scratch/a folder/a scenario.json"
expect_exit 0 "a path with a blank" "$scratch/a folder/pulldrill" run \
  "$scratch/a folder/a scenario.json" --out "$scratch/results"
replay=$(sed -n 's/^replay: //p' "$scratch/out")
expect_exit 0 "its replay: $replay" bash -c "$replay --out $scratch/replayed"

# Results that cannot be written are the harness's failure, and it says where.
expect_exit 3 "an --out that is a file" "$PULLDRILL" run "$scratch/scenario.json" --out \
  "$scratch/scenario.json"
expect_text "$scratch/err" 'scenario\.json' "the path that cannot be made"
finish

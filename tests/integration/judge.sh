#!/usr/bin/env bash
# A saved history is judged again with the same result; a cut-off one is never a pass; journals
# render again.
. tests/lib/check.sh

expect_exit 0 "a drill" "$PULLDRILL" run tests/lib/small.json --out "$scratch/results"
folder=$(dirname "$(echo "$scratch"/results/*/journal.json)")

expect_exit 0 "judge" "$PULLDRILL" judge "$folder/history.jsonl" --format journal
strip='del(.folder, .scenario)'
diff <(jq "$strip" "$folder/journal.json") <(jq "$strip" "$scratch/out") >"$scratch/diff" ||
  { fail "judged again, the journal differs"; head -n 20 "$scratch/diff"; }

lines=$(wc -l <"$folder/history.jsonl")
for keep in 1 2 $((lines / 2)) $((lines - 1)); do
  head -n "$keep" "$folder/history.jsonl" >"$scratch/cut.jsonl"
  expect_exit 2 "a history of $keep lines" "$PULLDRILL" judge "$scratch/cut.jsonl"
done
head -c $(($(stat -c %s "$folder/history.jsonl") - 10)) "$folder/history.jsonl" >"$scratch/cut.jsonl"
expect_exit 2 "a history cut within a line" "$PULLDRILL" judge "$scratch/cut.jsonl"

: >"$scratch/empty"
expect_exit 4 "an empty history" "$PULLDRILL" judge "$scratch/empty"
sed '3s/"event":"[a-z-]*"/"event":"nonsense"/' "$folder/history.jsonl" >"$scratch/bad.jsonl"
expect_exit 4 "an unknown event" "$PULLDRILL" judge "$scratch/bad.jsonl"
expect_text "$scratch/err" 'bad\.jsonl:3' "the line of the unknown event"
sed 3d "$folder/history.jsonl" >"$scratch/bad.jsonl"
expect_exit 4 "a missing event" "$PULLDRILL" judge "$scratch/bad.jsonl"
expect_exit 4 "no history" "$PULLDRILL" judge scenarios/registry/baseline.json

expect_exit 0 "report" "$PULLDRILL" report "$folder/journal.json" --format summary
diff "$scratch/out" "$folder/summary.md" >"$scratch/diff" || fail "summary.md differs"
expect_exit 0 "report" "$PULLDRILL" report "$folder/journal.json" --format journal
diff "$scratch/out" "$folder/journal.json" >"$scratch/diff" || fail "the journal differs"
echo '{"version": 1}' >"$scratch/bad.json"
expect_exit 4 "a bad journal" "$PULLDRILL" report "$scratch/bad.json"
expect_exit 4 "an unknown format" "$PULLDRILL" report "$folder/journal.json" --format pdf
finish

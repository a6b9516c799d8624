#!/usr/bin/env bash
# Every scenario of the library passes with its own subject, and each of its bad twins, of which it
# has at least two, fails for the reasons named; exit code, results and last line agree.
. tests/lib/check.sh

"$PULLDRILL" prove scenarios -j 2 --quiet --out "$scratch/proof" >"$scratch/table" \
  2>"$scratch/err" </dev/null
status=$?
[ "$status" = 0 ] || {
  fail "the library's proof exits $status"
  tail -n 80 "$scratch/table" "$scratch/err" | sed 's/^/    /'
}
expect_agreement "$status" "$scratch/proof" "$scratch/table"

count=0
for file in scenarios/*/*.json; do
  twins=$(jq '."proof"."must-fail" | length' "$file")
  [ "$twins" -ge 2 ] || fail "$file has $twins bad twins, wanted two"
  count=$((count + twins + 1))
done
[ "$(jq .tally.passed "$scratch/proof/results.json")" = "$count" ] ||
  fail "the proof has not $count cells"
# Twins are stopped once they have lost: else the proof takes an hour instead of a minute.
grep -q '"reason": "lost"' "$scratch"/proof/*/*/journal.json || fail "no twin was stopped early"
echo "$count subjects and twins"
finish

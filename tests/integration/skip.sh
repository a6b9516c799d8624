#!/usr/bin/env bash
# A setup that exits 77 says that this machine has not what the subject needs: the scenario is skipped
# with what it said last as the reason, in every record, while other lanes are still being set up.
# Nothing else that exits 77 is taken for that.
. tests/lib/small.sh

# One lane says no, the other one would take for ever.
setup='echo "first words"; printf "no such\\tclient here\n\n" >&2'
mkfifo "$scratch/never"
scenario '.subjects.puller.setup = ["bash", "-c",
  "case $PULLDRILL_LANE_DIR in *1) '"${setup//\"/\\\"}"'; exit 77 ;; *) read -r _ <'"$scratch"'/never ;; esac"]
  | .subjects.puller.teardown = ["touch", "'"$scratch"'/torn-down"]'
run 77 "a client that cannot be had"
expect_text "$scratch/out" '^SKIPPED ' "the verdict"
expect_text "$scratch/out" 'why: no such client here$' "the last line is the reason"
expect_agreement 77 "$scratch/results" "$scratch/out"
grep -q '<skipped' "$scratch/results/junit.xml" || fail "junit.xml has no skip"
jq -e '.verdict == "skipped" and .starts.worked == 0' "$journal" >"$scratch/null" ||
  fail "the journal: $(jq -c '[.verdict, .starts]' "$journal")"
holds '[.[] | select(.event == "start-begin")] == []' "a start was made"
[ -e "$scratch/torn-down" ] || fail "nothing was torn down"
expect_exit 77 "judged again" "$PULLDRILL" judge "$history"
expect_exit 2 "--no-skip" "$PULLDRILL" run "$scratch/scenario.json" --no-skip -q \
  --out "$scratch/results"

scenario '.subjects.puller.setup = ["sh", "-c", "exit 77"]'
run 77 "nothing is said"
expect_text "$scratch/out" 'why: setup exits 77' "a reason all the same"

for key in prepare teardown; do
  scenario ".subjects.puller.$key = [\"sh\", \"-c\", \"echo no client; exit 77\"]"
  run 3 "$key exits 77"
done
scenario '.subjects.puller.command = ["sh", "-c", "exit 77"]'
run 2 "a start exits 77" # a sick baseline
finish

#!/usr/bin/env bash
# The proof of the tester itself: each drill of tests/drills/ ends in the exit code, and for the
# reason, that its file says under "x-must-end", and every record of it says the same. A new case is
# a new file.
. tests/lib/check.sh
. tests/lib/drill.sh

count=0
for file in tests/drills/*.json; do
  hold_drill "$file" "$scratch/drills/$(basename "$file" .json)"
  count=$((count + 1))
done
[ "$count" -ge 20 ] || fail "only $count drills were found"
echo "$count drills"
finish

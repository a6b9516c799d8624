#!/usr/bin/env bash
# A few of the points of `make torture`: that it still runs, finds what was planted, and nothing else.
. tests/lib/check.sh

torture=$(dirname "$PULLDRILL")/tests/torture/torture
if [ ! -x "$torture" ]; then
  echo "skipped: failure points are linked into the build under ASan and UBSan alone"
  exit 0
fi
TMPDIR=$scratch ASAN_OPTIONS=detect_leaks=0:exitcode=99 timeout 300 \
  "$torture" "$PULLDRILL_SUBJECTS" --quick >"$scratch/out" 2>&1 </dev/null
status=$?
[ "$status" = 0 ] || {
  cat "$scratch/out"
  fail "torture exits $status"
}
for planted in leak swallow crash; do
  grep -q "planted-$planted *is found, as it must be" "$scratch/out" ||
    fail "the planted $planted is not told"
done
# A finding tells how to have it again, and that line works.
ASAN_OPTIONS=detect_leaks=0:exitcode=99 TMPDIR=$scratch "$torture" "$PULLDRILL_SUBJECTS" \
  --only planted-leak:2 >"$scratch/again" 2>&1 && fail "a finding exits 0"
grep -q "again: make torture TORTURE='planted-leak:2'" "$scratch/again" ||
  fail "a finding does not tell how to have it again"
finish

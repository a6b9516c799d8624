#!/usr/bin/env bash
# Every fuzz target takes its seeds, and the inputs that once were findings, without a complaint; one
# that has none is missing them. What libFuzzer makes of them is `make fuzz`.
. tests/lib/check.sh
built=$(dirname "$PULLDRILL")/tests/fuzz

count=0
for program in tests/fuzz/*.c; do
  target=$(basename "$program" .c)
  # shellcheck disable=SC2046
  expect_exit 0 "$target" "$built/$target" $(tests/fuzz/seeds.sh "$target")
  expect_text "$scratch/out" '^[1-9][0-9]* inputs$' "the seeds of $target"
  count=$((count + 1))
done
[ "$count" -ge 4 ] || fail "only $count fuzz targets"

expect_exit 1 "no inputs" "$built/http"
finish

#!/usr/bin/env bash
# `explain` tells every scenario there is, starts nothing, and exits as `validate` does.
. tests/lib/check.sh

files=$(find scenarios -name '*.json' ! -name scenario.schema.json | sort)
for file in $files tests/lib/small.json; do
  LC_ALL=C.UTF-8 expect_exit 0 "$file" "$PULLDRILL" explain "$file"
  expect_text "$scratch/out" '^Timeline$' "$file has a timeline"
  expect_text "$scratch/out" 'run .*--seed [0-9]+|with a new seed|pulldrill run' "$file can be run"
done

# The library itself is neither pointless nor unprovable.
expect_exit 0 "the whole library" "$PULLDRILL" explain scenarios
grep -q '^Warnings$' "$scratch/out" && fail "a scenario of the library has warnings"
[ "$(grep -c '^Timeline$' "$scratch/out")" = "$(wc -w <<<"$files")" ] ||
  fail "not every scenario of the library is told"

# Bars are drawn in what the locale can write.
flagship=scenarios/incidents/codeship-2017-image-deleted.json
LC_ALL=C expect_exit 0 "in ASCII" "$PULLDRILL" explain "$flagship"
LC_ALL=C grep -q '[^ -~]' "$scratch/out" && fail "more than ASCII in the locale C"
expect_text "$scratch/out" '####' "a bar of ASCII"
LC_ALL=C.UTF-8 expect_exit 0 "in UTF-8" "$PULLDRILL" explain "$flagship"
expect_text "$scratch/out" '████' "a bar of blocks"

# A variant takes the subject's place.
expect_exit 0 "a variant" "$PULLDRILL" explain "$flagship" --variant hammers
expect_text "$scratch/out" 'runs +.*hammers' "the variant's command"

# Exits as `validate` does; what is valid is told all the same.
mkdir "$scratch/mixed"
cp tests/lib/small.json "$scratch/mixed/good.json"
cp tests/bad-scenarios/no-title/input.json "$scratch/mixed/bad.json"
for verb in validate explain; do
  expect_exit 4 "$verb: a bad file beside a good one" "$PULLDRILL" "$verb" "$scratch/mixed"
  expect_exit 4 "$verb: no such file" "$PULLDRILL" "$verb" "$scratch/none.json"
  expect_exit 5 "$verb: nothing has the tag" "$PULLDRILL" "$verb" scenarios --tag no-such-tag
done
expect_exit 4 "explain: a bad file beside a good one" "$PULLDRILL" explain "$scratch/mixed"
expect_text "$scratch/out" '^Timeline$' "the good one is told"
finish

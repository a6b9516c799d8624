#!/usr/bin/env bash
# What subjects print stays data: with NULs, escapes and broken UTF-8 every result is still valid,
# and nothing of it reaches a terminal. A command that cannot be started says why.
. tests/lib/check.sh

cat >"$scratch/prints.sh" <<'S'
#!/bin/bash
printf 'before\0\x1b[31mred\x1b[0m \xff\xfe \xed\xa0\x80 \x01 ]]> <&>" \r\n\xc2\x85 behind'
exit 1
S
chmod +x "$scratch/prints.sh"
expect_exit 2 "a subject that prints anything" "$PULLDRILL" run tests/lib/small.json --out \
  "$scratch/results" -- "$scratch/prints.sh"
expect_agreement 2 "$scratch/results" "$scratch/out"
mv "$scratch/out" "$scratch/text"
expect_exit 2 "the same as a stream" "$PULLDRILL" run tests/lib/small.json --out \
  "$scratch/results" --format json -- "$scratch/prints.sh"
expect_stream 2 "$scratch/results" "$scratch/out"
folder=$(dirname "$(echo "$scratch"/results/*/journal.json)")
jq -es 'any(.event == "start-end" and (.tail | startswith("before") and endswith("behind")))' \
  "$folder/history.jsonl" >"$scratch/null" || fail "the tail stops at a NUL"
for file in "$scratch/text" "$scratch/out" "$scratch/err" "$scratch/results/junit.xml" "$folder"/*.*; do
  LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f]' "$file" && fail "${file##*/} has control bytes"
  iconv -f UTF-8 -t UTF-8 "$file" >"$scratch/null" || fail "${file##*/} is not UTF-8"
done

expect_exit 2 "a command that is not there" "$PULLDRILL" run tests/lib/small.json --out \
  "$scratch/results" -- "$scratch/missing"
expect_text "$scratch/out" 'could not be started: No such file' "why no start began"
finish

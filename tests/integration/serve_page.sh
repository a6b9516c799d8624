#!/usr/bin/env bash
# release only: what it serves is what other tests serve
# docs/serve.md is true: its commands run in the order of the page, in one empty folder, and what it
# shows of their output is what they print.
. tests/lib/check.sh
. tests/lib/page.sh
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
page_blocks docs/serve.md 7 5
page_programs
follow "$scratch/here" "$blocks" env
timeout 20 tail --pid="$(cat "$scratch/here/pid")" -f /dev/null ||
  fail "registries outlive the page"
[ -z "$(ls -A "$TMPDIR")" ] || fail "left in TMPDIR: $(ls -A "$TMPDIR")"
finish

#!/usr/bin/env bash
# A small sample of `make mutants`: the tests notice every mutant of one check, and where they do not
# look, the mutants are told as survivors.
. tests/lib/check.sh

export O
O=$(dirname "$PULLDRILL")
if [ "${O##*/}" = asan ]; then
  echo "ok: mutants are linked without sanitizers, so those of the other variants must do"
  exit 0
fi

LIST=$scratch/list expect_exit 0 "the mutants of one check" tests/mutants/run.sh start_seconds.c
for kind in pass lost bound scope; do
  expect_text "$scratch/list" "^killed.*start_seconds.c: .*$kind: .*start-seconds.txt:[0-9]" \
    "a mutant of the kind $kind"
done
TESTS=tests/unit/test_pulls.c expect_exit 1 "tests that do not look" tests/mutants/run.sh \
  'start_seconds.c: .*lost: '
expect_text "$scratch/out" '^SURVIVED  harness/checks/start_seconds.c: .*lost: ' "a survivor"
finish

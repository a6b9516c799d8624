#!/usr/bin/env bash
# The folders that hold the seeds of a fuzz target: its corpus, and what the repository has anyway.
#   tests/fuzz/seeds.sh TARGET
echo "tests/fuzz/corpus/$1"
case $1 in
  scenario)
    printf '%s\n' scenarios/incidents scenarios/registry scenarios/network tests/bad-scenarios \
      tests/drills
    ;;
esac

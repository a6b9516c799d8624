#!/usr/bin/env bash
# Drills of tests/lib/small.json, changed by a filter: to be sourced, with what check.sh gives.
. tests/lib/check.sh

scenario() { # FILTER
  jq "$1" tests/lib/small.json >"$scratch/scenario.json"
}
run() { # WANTED WHAT
  rm -rf "$scratch/results"
  expect_exit "$1" "$2" "$PULLDRILL" run "$scratch/scenario.json" --out "$scratch/results"
  journal=$(echo "$scratch"/results/*/journal.json)
  history=$(echo "$scratch"/results/*/history.jsonl)
}
holds() { # FILTER WHAT: over the events
  jq -se "$1" "$history" >"$scratch/null" || fail "$2: $1, in: $(tail -n 1 "$history")"
}

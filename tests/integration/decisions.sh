#!/usr/bin/env bash
# Same seed, same decisions: with concurrency 4 and probability two runs decide alike for the same
# key, and a second fault changes none of the first's decisions.
. tests/lib/check.sh

decisions() { # OUT-DIR: "start op ref nth fired" of the first fault, sorted
  jq -r 'select(.event == "fault-decided" and .fault == "first")
    | [.start, .op, .ref, .nth, .fired // false] | @tsv' "$1"/*/history.jsonl | sort
}
base='.subjects.puller.concurrency = 4 | .phases[1].starts = 30 | .expect = []
  | .faults = {"first": {"on": "primary", "kind": "status", "code": 500,
      "when": {"probability": 0.4}}}
  | .phases[1].faults = ["first"]'
jq "$base" tests/lib/small.json >"$scratch/one.json"
jq "$base"' | .faults.second = {"on": "primary", "kind": "latency", "delay": "3ms",
      "jitter": "3ms", "when": {"probability": 0.5}} | .phases[1].faults = ["second", "first"]' \
  tests/lib/small.json >"$scratch/two.json"

for name in a b; do
  expect_exit 0 "run $name" "$PULLDRILL" run "$scratch/one.json" --seed 5 --out "$scratch/$name"
  decisions "$scratch/$name" >"$scratch/$name.txt"
done
expect_exit 0 "with a second fault" "$PULLDRILL" run "$scratch/two.json" --seed 5 --out "$scratch/c"
decisions "$scratch/c" >"$scratch/c.txt"
expect_exit 0 "with another seed" "$PULLDRILL" run "$scratch/one.json" --seed 6 --out "$scratch/d"
decisions "$scratch/d" >"$scratch/d.txt"

[ "$(wc -l <"$scratch/a.txt")" -ge 60 ] || fail "only $(wc -l <"$scratch/a.txt") decisions"
grep -q 'true$' "$scratch/a.txt" && grep -q 'false$' "$scratch/a.txt" || fail "all alike"
diff "$scratch/a.txt" "$scratch/b.txt" || fail "two runs of one seed differ"
diff "$scratch/a.txt" "$scratch/c.txt" || fail "a second fault changed the first's decisions"
diff -q "$scratch/a.txt" "$scratch/d.txt" >"$scratch/null" && fail "another seed decides alike"
finish

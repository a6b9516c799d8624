#!/usr/bin/env bash
# The JSON Schema takes what the parser takes, and refuses what it refuses as far as a schema can.
. tests/lib/check.sh
. tests/lib/page.sh

# A Python that has jsonschema: Debian's own where another one comes first in the path.
python=python3
"$python" -c 'import jsonschema' 2>"$scratch/null" || python=/usr/bin/python3
"$python" -c 'import jsonschema' || { echo "FAIL: no python3-jsonschema; make deps"; exit 1; }

# The schema that lies beside the scenarios is the one that the program prints.
expect_exit 0 "the schema" "$PULLDRILL" schema
cp "$scratch/out" "$scratch/schema.json"
cmp "$scratch/schema.json" scenarios/scenario.schema.json || fail "the schema is old; make docs"

folders=scenarios
[ ! -d tests/drills ] || folders=$folders:tests/drills
expect_exit 0 "schema and parser agree" "$python" tests/lib/schema_check.py \
  scenarios/scenario.schema.json "$folders" tests/bad-scenarios
cat "$scratch/out"

# As a user has it: a validator names the place and the key.
complains() { # PATTERN JQ-FILTER
  jq "$2" tests/lib/small.json >"$scratch/scenario.json"
  "$python" -W ignore -m jsonschema -i "$scratch/scenario.json" "$scratch/schema.json" \
    >"$scratch/out" 2>"$scratch/err" && fail "$2 is valid"
  expect_text "$scratch/err" "$1" "$2"
}
complains "'tiltle' (was unexpected|does not match)" '.tiltle = .title'
complains "'20sec' does not match" '.limit = "20sec"'
complains "'cod' (was unexpected|does not match)" '.faults.broken.cod = 503'
jq . tests/lib/small.json >"$scratch/scenario.json"
expect_exit 0 "a valid scenario" "$python" -W ignore -m jsonschema -i "$scratch/scenario.json" \
  "$scratch/schema.json"

# The scenarios that the documentation shows are right.
page_scenarios docs/scenario.md 2
for file in "${shown[@]}"; do
  expect_exit 0 "the same by the schema" "$python" -W ignore -m jsonschema -i "$file" \
    "$scratch/schema.json"
done

# The reference for people and for programs has every level.
expect_exit 0 "keys" "$PULLDRILL" keys
expect_text "$scratch/out" '^phase: ' "a level"
expect_text "$scratch/out" '^    until: ' "a key"
expect_exit 0 "keys as JSON" "$PULLDRILL" keys --format json
jq -e '[.[].level] | contains(["scenario", "subject", "fault", "phase", "until"])' \
  "$scratch/out" >"$scratch/null" || fail "keys --format json lacks a level"
expect_exit 4 "keys in no such form" "$PULLDRILL" keys --format yaml
for verb in keys schema; do
  expect_exit 4 "$verb with a word too many" "$PULLDRILL" "$verb" extra
  expect_exit 0 "$verb --help" "$PULLDRILL" "$verb" --help
done
finish

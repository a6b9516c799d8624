#!/usr/bin/env bash
# metrics.txt is OpenMetrics that a parser of others takes, and says what the journal says.
. tests/lib/check.sh

expect_exit 0 "a drill" "$PULLDRILL" run tests/lib/small.json --quiet --out "$scratch/results"
folder=$(dirname "$(echo "$scratch"/results/*/journal.json)")
expect_exit 0 "report" "$PULLDRILL" report "$folder/journal.json" --format metrics
diff "$scratch/out" "$folder/metrics.txt" >"$scratch/diff" || fail "metrics.txt differs"
[ "$(tail -n 1 "$folder/metrics.txt")" = "# EOF" ] || fail "it does not end with # EOF"
expect_text "$folder/metrics.txt" \
  '^pulldrill_starts_total\{scenario="[^"]*small.json",phase="outage",outcome="worked"\} 4$' "starts"
expect_text "$folder/metrics.txt" 'pulldrill_verdict="pass"\} 1$' "the verdict"
expect_text "$folder/metrics.txt" '^pulldrill_fall_back_seconds_count\{.*phase="outage"\} 4$' \
  "times to fall back"

# Every golden file, the hostile one too, and a journal whose names come twice.
jq '.phases += .phases | .faults += .faults' "$folder/journal.json" >"$scratch/twice.json"
expect_exit 0 "names that come twice" "$PULLDRILL" report "$scratch/twice.json" --format metrics
cp "$scratch/out" "$scratch/twice.txt"
[ -z "$(grep -v '^#' "$scratch/twice.txt" | cut -d '}' -f 1 | sort | uniq -d)" ] ||
  fail "a sample comes twice"
cat >"$scratch/parse.py" <<'PYTHON'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for path in sys.argv[1:]:
    with open(path, encoding="utf-8", newline="") as f:
        families = list(text_string_to_metric_families(f.read()))
    if not any(m.name == "pulldrill_verdict" and m.type == "stateset" for m in families):
        sys.exit(path + ": no verdict")
PYTHON
parser=
for python in /usr/bin/python3 python3; do
  if "$python" -c 'import prometheus_client.openmetrics.parser' >"$scratch/null" 2>&1; then
    parser=$python
    break
  fi
done
if [ -z "$parser" ]; then
  echo "skip: the parser: python3-prometheus-client is not installed"
  finish
fi
expect_exit 0 "the parser" "$parser" "$scratch/parse.py" "$folder/metrics.txt" \
  "$scratch/twice.txt" tests/golden/reports/*/metrics.txt
sed '/^# EOF$/d' "$folder/metrics.txt" >"$scratch/bad.txt"
expect_exit 1 "a parser that refuses" "$parser" "$scratch/parse.py" "$scratch/bad.txt"
finish

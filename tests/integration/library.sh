#!/usr/bin/env bash
# Every scenario of the library passes with its own subject, and every bad twin fails, each named
# reason among the checks that did not pass; exit code, journal, JUnit and last line agree.
. tests/lib/check.sh

run_good() {
  "$PULLDRILL" run scenarios -j 2 --out "$scratch/good" >"$scratch/good.txt" 2>"$scratch/good.err"
  local status=$?
  [ "$status" = 0 ] || {
    fail "the library exits $status"
    sed 's/^/    /' "$scratch/good.txt" "$scratch/good.err" | tail -n 80
  }
  expect_agreement "$status" "$scratch/good" "$scratch/good.txt"
}

run_twin() { # FILE VARIANT BECAUSE...
  local file=$1 variant=$2 out status journal because verdict
  shift 2
  out=$scratch/$(basename "$file" .json)-$variant
  "$PULLDRILL" run "$file" --variant "$variant" --out "$out" >"$out.txt" 2>"$out.err" </dev/null
  status=$?
  case $status in
    1 | 2) ;;
    *)
      echo "FAIL: $file as $variant: exit $status, wanted 1 or 2"
      tail -n 30 "$out.txt" "$out.err" | sed 's/^/    /'
      ;;
  esac
  journal=$(echo "$out"/*/journal.json)
  for because in "$@"; do
    verdict=$(jq -r --arg b "$because" '[.checks[] | select(.name == $b or .check == $b)
      | select(.judged) | .verdict] | if any(. != "pass") then "caught" else "missed" end' "$journal")
    [ "$verdict" = caught ] || {
      echo "FAIL: $file as $variant: $because did not fail"
      tail -n 30 "$out.txt" | sed 's/^/    /'
    }
  done
}

twins() {
  local file
  for file in scenarios/*/*.json; do
    [ "$(jq '."proof"."must-fail" | length' "$file")" -ge 2 ] || echo "FAIL: $file: two twins"
    jq -r --arg f "$file" '."proof"."must-fail"[] | [$f, .variant] + .because | @sh' "$file"
  done
}

run_good
export -f run_twin
export scratch
twins >"$scratch/twins"
grep '^FAIL' "$scratch/twins" && fail "a scenario without twins"
grep -v '^FAIL' "$scratch/twins" |
  xargs -P 2 -I{} bash -c 'eval "run_twin {}"' >"$scratch/twins.out" 2>&1
cat "$scratch/twins.out"
count=$(grep -c '^FAIL' "$scratch/twins.out")
[ "$count" = 0 ] || fail "$count twins were not caught"
echo "$(grep -vc '^FAIL' "$scratch/twins") twins"
finish

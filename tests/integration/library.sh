#!/usr/bin/env bash
# Every scenario of the library passes with its own subject, and each of its bad twins, of which it
# has at least two, fails for the reasons named; exit code, results and last line agree. No check of
# the catalogue is there that nothing can make fail: each is seen failing in one of these runs, or
# in a drill of tests/drills/ that must end by it. All of it is read from the journals of what ran.
# A scenario that this machine does not allow is skipped, with all its twins, and said so.
. tests/lib/check.sh
. tests/lib/drill.sh
: "${LIBRARY:=scenarios}"

"$PULLDRILL" prove "$LIBRARY" -j 2 --quiet --out "$scratch/proof" >"$scratch/table" \
  2>"$scratch/err" </dev/null
status=$?
[ "$status" = 0 ] || {
  fail "the library's proof exits $status"
  tail -n 80 "$scratch/table" "$scratch/err" | sed 's/^/    /'
}
expect_agreement "$status" "$scratch/proof" "$scratch/table"

# The twins of a file, each with what it must fail, are held against the journals they left.
hold_twin() { # FILE FOLDER VARIANT BECAUSE...
  local file=$1 journal=$2/$3/journal.json variant=$3 name
  shift 3
  [ -f "$journal" ] || {
    fail "$file: twin $variant has left no journal"
    return
  }
  for name; do
    jq -e --arg n "$name" '[.checks[] | select(.name == $n or .check == $n) | select(.judged)
      | .verdict == "fail" or (.always and .verdict == "inconclusive")] | any' "$journal" \
      >"$scratch/null" || fail "$file: twin $variant did not fail $name"
  done
}

count=0 skipped=0
while read -r file; do
  folder=$scratch/proof/$(echo "${file%.json}" | tr / -)
  twins=$(jq '."proof"."must-fail" | length' "$file")
  [ "$twins" -ge 2 ] || fail "$file has $twins bad twins, wanted two"
  case $(jq -r .verdict "$folder/good/journal.json") in
    pass) ;;
    skipped)
      echo "skip: $file: $(jq -r .why "$folder/good/journal.json")"
      skipped=$((skipped + twins + 1))
      for journal in "$folder"/*/journal.json; do
        [ "$(jq -r .verdict "$journal")" = skipped ] || fail "$journal: skipped only in part"
      done
      continue
      ;;
    *) fail "$file: its subject fails" ;;
  esac
  while IFS=$'\t' read -r -a twin; do
    hold_twin "$file" "$folder" "${twin[@]}"
  done < <(jq -r '.proof."must-fail"[]? | [.variant] + .because | join("\t")' "$file")
  count=$((count + twins + 1))
done < <(find "$LIBRARY" -mindepth 2 -name '*.json' | sort)
[ "$(jq .tally.passed "$scratch/proof/results.json")" = "$count" ] ||
  fail "the proof has not $count cells"
# Twins are stopped once they have lost: else the proof takes an hour instead of a minute.
grep -q '"reason": "lost"' "$scratch"/proof/*/*/journal.json || fail "no twin was stopped early"

# seen DIR: the checks that failed in a run below DIR. For one that is always on, inconclusive is
# how most of them fail.
seen() {
  find "$1" -name journal.json -exec jq -r '.checks[] | select(.judged)
    | select(.verdict == "fail" or (.always and .verdict == "inconclusive")) | .check' {} +
}

seen "$scratch/proof" | sort -u >"$scratch/seen"
"$PULLDRILL" checks --format json | jq -r '.[].check' | sort >"$scratch/catalogue"
for check in $(comm -13 "$scratch/seen" "$scratch/catalogue"); do
  # No twin fails it: a drill has to.
  shown=
  for drill in $(jq -r --arg c "$check" 'select(."x-must-end" | .check == $c and
    (.verdict == "fail" or .verdict == "inconclusive")) | input_filename' tests/drills/*.json); do
    rm -rf "$scratch/drills/$check"
    hold_drill "$drill" "$scratch/drills/$check"
    [ -z "$drill_skipped" ] || shown="$drill, which cannot run here"
    seen "$scratch/drills/$check" | grep -qx "$check" || continue
    shown=$drill
    break
  done
  [ -n "$shown" ] && echo "$check: seen in $shown" ||
    fail "nothing makes $check fail: no twin, no drill"
done
echo "$count subjects and twins, $skipped skipped, $(wc -l <"$scratch/catalogue") checks"
finish

#!/usr/bin/env bash
# Holds a drill to what its file says it must come to: to be sourced behind check.sh.
#
# A drill of tests/drills/ says under "x-must-end":
#   exit      of `run`
#   check     the entry (by name or check) that says why; absent: the drill's own reason does
#   verdict   of that check
#   reason    a regular expression on what the check found (its `actual` and `reasons`), on the
#             drill's reason, or, where nothing could be run (exit 4), on what is said on stderr

verdict_of_exit() {
  case $1 in
    0) echo pass ;;
    1) echo fail ;;
    2) echo inconclusive ;;
    3) echo error ;;
  esac
}

# Each record of the run says the same: the exit code, results.json, the journal, junit.xml and the
# last line; and the saved history is judged to the same end.
hold_records() { # NAME EXIT OUT-DIR JOURNAL
  local name=$1 exit=$2 out=$3 journal=$4 verdict
  verdict=$(verdict_of_exit "$exit")
  expect_agreement "$exit" "$out" "$scratch/out"
  jq -e --arg v "$verdict" '.verdict == $v' "$journal" >"$scratch/null" ||
    fail "$name: the journal says $(jq -r .verdict "$journal"), not $verdict"
  jq -e --arg v "$verdict" '[.scenarios[].verdict] == [$v]' "$out/results.json" \
    >"$scratch/null" || fail "$name: results.json does not say $verdict"
  expect_exit "$exit" "$name, judged again" "$PULLDRILL" judge "${journal%/*}/history.jsonl"
}

# The check named has come to what was foreseen, for the reason foreseen, in the journal and in
# junit.xml.
hold_check() { # NAME CHECK VERDICT REASON OUT-DIR JOURNAL
  local name=$1 check=$2 verdict=$3 reason=$4 out=$5 journal=$6 entry case
  entry='[.checks[] | select(.name == $c or .check == $c) | select(.judged and .verdict == $v)]'
  jq -r --arg c "$check" --arg v "$verdict" "$entry[] | .actual, .reasons[]" "$journal" \
    >"$scratch/reasons"
  [ -s "$scratch/reasons" ] || {
    fail "$name: $check is not $verdict"
    jq -c '.checks[] | {name, judged, verdict, actual}' "$journal" | sed 's/^/    /'
    return
  }
  expect_text "$scratch/reasons" "$reason" "$name: why $check is $verdict"
  case=$(awk -v c="<testcase name=\"$check\"" '/<testcase /{on = index($0, c)} on' "$out/junit.xml")
  [ -n "$case" ] || fail "$name: junit.xml has no case for $check"
  case $verdict in
    fail) [[ $case == *'<failure'* ]] ;;
    inconclusive) [[ $case == *'<error type="inconclusive"'* ]] ;;
    *) [[ $case != *'<failure'* && $case != *'<error'* ]] ;;
  esac || fail "$name: junit.xml does not say that $check is $verdict"
}

# A drill that this machine does not allow is skipped; drill_skipped then says why.
hold_drill() { # FILE OUT-DIR
  local file=$1 out=$2 name exit check verdict reason journal status
  drill_skipped=
  name=$(basename "$file" .json)
  IFS=$'\t' read -r exit check verdict reason < <(jq -r '."x-must-end" |
    [.exit // "", .check // "-", .verdict // "-", .reason // ""] | join("\t")' "$file")
  [ -n "$exit" ] && [ -n "$reason" ] || {
    fail "$name: says not how it must end (x-must-end: exit, reason)"
    return
  }
  "$PULLDRILL" run "$file" --out "$out" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  [ "$status" != 77 ] || {
    drill_skipped=$(jq -r '.scenarios[].why // "no reason given"' "$out/results.json")
    echo "$name: skipped: $drill_skipped"
    return
  }
  [ "$status" = "$exit" ] || {
    fail "$name: exit $status, wanted $exit"
    tail -n 20 "$scratch/out" "$scratch/err" | sed 's/^/    /'
    return
  }
  [ "$exit" != 4 ] || {
    expect_text "$scratch/err" "$reason" "$name: why it cannot be run"
    return
  }
  journal=$(echo "$out"/*/journal.json)
  hold_records "$name" "$exit" "$out" "$journal"
  if [ "$check" = - ]; then
    jq -r '.why' "$journal" >"$scratch/reasons"
    expect_text "$scratch/reasons" "$reason" "$name: the drill's reason"
  else
    hold_check "$name" "$check" "$verdict" "$reason" "$out" "$journal"
  fi
}

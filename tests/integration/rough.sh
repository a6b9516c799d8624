#!/usr/bin/env bash
# Rough surroundings: closed standard descriptors, no right to more processes, two scenarios with one
# folder of results, deep folders left by a subject, a herd. Nothing crashes, is mixed up or left.
. tests/lib/check.sh
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
run() { "$PULLDRILL" run tests/lib/small.json -q --out "$scratch/results" "$@"; }
nothing_left() { # WHAT
  [ -z "$(ls -A "$TMPDIR")" ] || fail "$1: scratch folders are left"
}

# A closed descriptor's number goes to no file of ours.
expect_exit 2 "no standard input" bash -c 'exec <&-; exec "$@"' - "$PULLDRILL" run \
  tests/lib/small.json --out "$scratch/results" -- true
bash -c 'exec <&- >&- 2>&-; exec "$@"' - "$PULLDRILL" run tests/lib/small.json \
  --out "$scratch/results"
status=$?
[ "$status" = 0 ] || fail "no standard output: exit $status, the verdict is in the files"
jq -e . "$scratch"/results/*/history.jsonl >"$scratch/null" || fail "the history is mixed up"

# Two files whose results would lie in one folder are refused before anything runs.
mkdir "$scratch/a"
cp tests/lib/small.json "$scratch/a/b.json"
cp tests/lib/small.json "$scratch/a-b.json"
expect_exit 4 "two scenarios of one folder" "$PULLDRILL" run "$scratch/a/b.json" \
  "$scratch/a-b.json" --out "$scratch/results"
expect_text "$scratch/err" 'would write results to one folder' "why they are refused"

# So is a second invocation in the folder of one that runs, as the first does here until its subject is
# let go; neither sees the other's verdicts.
mkfifo "$scratch/gate"
"$PULLDRILL" run tests/lib/small.json -q --out "$scratch/results" -- \
  bash -c 'read -r line <"$1"; exit 1' - "$scratch/gate" >"$scratch/first" 2>&1 &
first=$!
exec 8>"$scratch/gate"
expect_exit 4 "two invocations in one folder" run -- true
expect_text "$scratch/err" 'another invocation is writing there' "why it is refused"
kill -TERM "$first"
wait "$first"
[ "$?" = 143 ] || fail "the first of two invocations in one folder"
exec 8>&-
expect_exit 2 "the folder is free again" run -- false

# Paths longer than PATH_MAX, folders without rights, names with line breaks.
cat >"$scratch/messy.sh" <<'S'
#!/bin/bash
cd "$PULLDRILL_START_DIR" && touch $'two\nlines' && mkdir -p locked/inner && chmod 000 locked
for ((i = 0; i < 300; i++)); do
  mkdir deeper-and-deeper && cd deeper-and-deeper || exit 1
done
exit 1
S
chmod +x "$scratch/messy.sh"
expect_exit 2 "a messy subject" run -- "$scratch/messy.sh"
expect_text "$scratch/out" 'blame: subject' "whose fault a mess is"
nothing_left "a messy subject"

# Where no thread can be begun the harness says so. Root has no such limit: it takes another user,
# who can reach the program. (A leak check would need a thread of its own.)
other=(setpriv --reuid 54321 --regid 54321 --clear-groups)
if [ "$(id -u)" = 0 ] && "${other[@]}" test -x "$PULLDRILL" -a -r tests/lib/small.json; then
  chmod 755 "$scratch" && mkdir -m 777 "$scratch/open"
  expect_exit 3 "no more processes" "${other[@]}" bash -c 'ulimit -u 2; exec "$@"' - \
    env ASAN_OPTIONS=detect_leaks=0 TMPDIR="$scratch/open" "$PULLDRILL" run \
    tests/lib/small.json -q --out "$scratch/open/results"
  expect_text "$scratch/out" 'cannot begin|cannot start' "why nothing runs"
fi

# A herd does not keep the registries from answering: the first of it is heard before the last
# begins.
jq '.subjects.puller.concurrency = 100 | .phases = [{"name": "steady", "starts": 100}] |
  del(.faults)' tests/lib/small.json >"$scratch/herd.json"
"$PULLDRILL" run "$scratch/herd.json" -q --out "$scratch/herd" >"$scratch/out" 2>"$scratch/err"
jq -es 'map(.event) | .[:index("connection-open")] | map(select(. == "start-begin")) | length < 100' \
  "$scratch"/herd/*/history.jsonl >"$scratch/null" || fail "a herd begins before any is heard"
nothing_left "a herd"
finish

#!/usr/bin/env bash
# Breaks the checks, and the registry's reads, writes and stores, one place at a time, and asks their
# tests to notice: "make mutants".
#
#   O=build/mutants tests/mutants/run.sh [PATTERN]    only mutants whose name matches
#   SAMPLE=N     only every N-th mutant               JOBS=2    side by side
#   LIST=FILE    writes each mutant and who killed it there
#   AGAIN=FILE   only those that were not killed in such a list, and new ones
#   TESTS="…"    the tests that are asked
#
# A mutant that no test notices has survived: write the test. One that cannot be noticed, because it
# behaves the same, is listed in equivalent.txt with the reason. Exits 1 where one survived, and
# where equivalent.txt lists one that is killed or that there is no more.
set -uo pipefail
cd "$(dirname "$0")/../.."
: "${O:?}" "${CC:=gcc}" "${LIBS:=$(sed -n 's/^LIBS := //p' Makefile)}"
: "${TESTS:=tests/unit/test_check*.c tests/unit/test_judge*.c tests/unit/test_pulls*.c
  tests/unit/test_oci*.c tests/unit/test_store*.c tests/integration/test_store_disk.c
  tests/integration/test_store_files.c tests/integration/test_store_jobs.c}"
pattern=${1:-.} JOBS=${JOBS:-2} SAMPLE=${SAMPLE:-1}
listed=tests/mutants/equivalent.txt
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
export DIR CC LIBS

# Checks and what they share. A check that is added is covered by itself.
sources=(harness/checks/*.c harness/check.c harness/fall_back.c harness/judge.c harness/judge_blame.c
  harness/pulls_changes.c fake-registry/oci_*.c fake-registry/store_*.c)
awk -f tests/mutants/sites.awk "${sources[@]}" | awk -F '\t' -v pattern="$pattern" \
  -v sample="$SAMPLE" -v again="${AGAIN:-}" '
  BEGIN { while (again != "" && (getline line <again) > 0) {
    split(line, part, "\t")
    if (part[1] == "killed") { killed[part[2]] = 1 }
  } }
  $5 ~ pattern && !($5 in killed) && ++n % sample == 0' >"$DIR/list"
total=$(wc -l <"$DIR/list")
[ "$total" -gt 0 ] || { echo "no mutant matches $pattern"; exit 1; }

# Everything but the mutant is compiled once: tests of the registry apart from those of the checks,
# and neither where nothing of it is broken. A test with a catalogue of its own in the place of the
# real one is a program of its own.
mkdir "$DIR/first" "$DIR/tests" "$DIR/own" "$DIR/registry"
grep -q '^fake-registry/' "$DIR/list" && of_registry=1 || of_registry=
grep -q '^harness/' "$DIR/list" && of_checks=1 || of_checks=
for test in $TESTS; do
  case $test in
  */test_oci* | */test_store*) folder=registry wanted=$of_registry ;;
  *) folder=tests wanted=$of_checks ;;
  esac
  [ "$wanted" ] || continue
  object=$DIR/$folder/$(basename "$test" .c).o
  $CC -std=c11 -O0 -w -I. -D_GNU_SOURCE -c "$test" -o "$object" || exit 1
  if [ "$test" = tests/unit/test_checks_golden.c ]; then
    mv "$object" "$DIR/first/"
  elif nm --defined-only "$object" | grep ' check_catalogue$' >/dev/null; then
    mv "$object" "$DIR/own/"
  fi
done
ar rc "$DIR/lib.a" "$O"/tests/lib/*.o || exit 1
cp "$O/libpulldrill.a" "$DIR/rest.a" || exit 1

# As it stands all must pass, or every mutant would seem killed.
sound() { # OBJECT...
  $CC -o "$DIR/sound" "$@" "$DIR/lib.a" "$DIR/rest.a" -Wl,--as-needed -lcriterion $LIBS \
    -pthread >"$DIR/log" 2>&1 && "$DIR/sound" --jobs "$JOBS" >"$DIR/log" 2>&1 || {
    tail -n 30 "$DIR/log"
    echo "the tests fail without a mutant"
    exit 1
  }
}
for object in $(find "$DIR/first" "$DIR/own" -name '*.o'); do sound "$object"; done
for folder in tests registry; do
  objects=$(find "$DIR/$folder" -name '*.o')
  [ -z "$objects" ] || sound $objects
done

: >"$DIR/done"
seq "$total" | xargs -P "$JOBS" -n 1 tests/mutants/one.sh
[ "$(wc -l <"$DIR/done")" = "$total" ] || { echo "not every mutant was tried"; exit 1; }

awk -F '\t' -v done_file="$DIR/done" -v whole="$([ "$pattern$SAMPLE${AGAIN:-}" = .1 ] && echo 1)" \
  -v list="${LIST:-/dev/null}" '
  FILENAME == ARGV[1] { if ($0 !~ /^(#|$| )/) { equivalent[$0] = 1 } next }
  FILENAME == ARGV[2] { file[FNR] = $1; name[FNR] = $5; next }
  {
    f = file[$2]; n = name[$2]; made[f]++; there[n] = 1
    print $1 "\t" n "\t" $3 >list
    if ($1 == "killed" && !(n in equivalent)) { killed[f]++ }
    else if ($1 == "survived" && (n in equivalent)) { same[f]++ }
    else if ($1 == "survived") { lived[f]++; bad++; print "SURVIVED  " n }
    else { bad++; print "WRONG     " n (n in equivalent ? " is listed as equivalent, but " : ": ") $1 " by " $3 }
  }
  END {
    for (n in equivalent) {
      if (whole && !(n in there)) { bad++; print "STALE     " n " is listed, but there is no such mutant" }
    }
    printf "%-42s %8s %8s %10s %8s\n", "", "mutants", "killed", "equivalent", "survived"
    for (i = 1; i in file; i++) {
      if (file[i] != last) {
        last = f = file[i]
        printf "%-42s %8d %8d %10d %8d\n", f, made[f], killed[f], same[f], lived[f]
        m += made[f]; k += killed[f]; e += same[f]; l += lived[f]
      }
    }
    printf "%-42s %8d %8d %10d %8d\n", "in all", m, k, e, l
    exit bad > 0
  }' "$listed" "$DIR/list" "$DIR/done"

#!/usr/bin/env bash
# Makes one mutant, links it into the tests and runs them. Called by run.sh, which sets DIR (scratch,
# with the list of mutants, the tests' objects and the rest of the program), CC and LIBS.
#   one.sh NUMBER     appends "VERDICT<TAB>NUMBER<TAB>BY" to $DIR/done
set -uo pipefail
: "${DIR:?}" "${CC:?}" "${LIBS:?}"
number=$1
IFS=$'\t' read -r file _ never_lost edits _ < <(sed -n "${number}p" "$DIR/list")
work=$DIR/work.$number
mkdir "$work" || exit 1
trap 'rm -rf "$work"' EXIT

done_with() { # VERDICT BY
  printf '%s\t%s\t%s\n' "$1" "$number" "$2" >>"$DIR/done"
  exit 0
}

awk -v edits="$edits" -v never_lost="$never_lost" '
  BEGIN {
    count = split(edits, list, ";")
    for (i = count; i > 0; i--) {
      split(list[i], part, ":")
      line[i] = part[1]; column[i] = part[2]; len[i] = part[3]
      text[i] = substr(list[i], length(part[1] part[2] part[3]) + 4)
    }
    printf "static _Bool never_lost; "
  }
  {
    for (i = count; i > 0; i--) {
      if (line[i] == FNR) {
        $0 = substr($0, 1, column[i] - 1) text[i] substr($0, column[i] + len[i])
      }
    }
    if (never_lost == 1) { gsub(/c->lost = /, "never_lost = ") }
    print
  }' "$file" >"$work/mutant.c"

# What does not compile is noticed by everybody.
$CC -std=c11 -O0 -w -I. -D_GNU_SOURCE -c "$work/mutant.c" -o "$work/mutant.o" 2>"$work/log" ||
  done_with killed "the compiler"

# run_tests OBJECT...: links them with the mutant and runs them; returns where all pass.
run_tests() {
  $CC -o "$work/tests" "$@" "$work/mutant.o" "$DIR/lib.a" "$DIR/rest.a" -Wl,--as-needed \
    -lcriterion $LIBS -pthread 2>"$work/log" || { cat "$work/log"; done_with broken "the linker"; }
  timeout -k 5 120 "$work/tests" --fail-fast --jobs 1 --timeout 60 >"$work/log" 2>&1 </dev/null
  local status=$? by
  by=$(sed -nE 's/^\[FAIL\] ([a-z_0-9]+::[a-z_0-9]+):.*/\1/p' "$work/log" | head -n 1)
  by="$by$(sed -nE 's/.*(tests\/golden\/[^:]+:[0-9]+):.*/, \1/p' "$work/log" | head -n 1)"
  case $status in
  0) return ;;
  124 | 137) done_with killed "time" ;;
  *) done_with killed "${by:-exit $status}" ;;
  esac
}

# The store's own tests first; those of the requests ask it as well.
if [[ $file = fake-registry/* ]]; then
  for name in store oci; do
    objects=$(find "$DIR/registry" -name "test_$name*.o")
    [[ -z $objects || $file = */oci_* && $name = store ]] || run_tests $objects
  done
  done_with survived ""
fi

# The golden cases first: one process that kills most. Tests with a catalogue of their own have
# nothing to say of the real checks.
for object in $(find "$DIR/first" -name '*.o'); do run_tests "$object"; done
objects=$(find "$DIR/tests" -name '*.o')
[ -z "$objects" ] || run_tests $objects
for object in $(find "$DIR/own" -name '*.o'); do
  [[ $file = harness/checks/* ]] || run_tests "$object"
done
done_with survived ""

#!/usr/bin/env bash
# A page of docs/ as a test: its commands, in its order. To be sourced after check.sh.

# page_blocks PAGE MIN-BLOCKS MIN-OUTPUTS: the page in parts, in $scratch/blocks: N.sh is a block of
# commands, N.text what it shows of the output of the block above it. A line that ends in "# exits N"
# becomes one that holds the command to that. Sets $blocks.
page_blocks() {
  rm -rf "$scratch/blocks"
  mkdir "$scratch/blocks"
  awk -v dir="$scratch/blocks" '
    /^```sh$/ { file = dir "/" ++n ".sh"; next }
    /^```text$/ { file = dir "/" n ".text"; next }
    /^```$/ { file = ""; next }
    file == "" { next }
    match($0, / # exits [0-9]+$/) {
      status = substr($0, RSTART + 9)
      $0 = "rc=0; " substr($0, 1, RSTART - 1) " || rc=$?; [ $rc = " status " ] || exit 99"
    }
    { print >file }' "$1"
  blocks=$(ls "$scratch/blocks" | grep -c '\.sh$')
  [ "$blocks" -ge "$2" ] || fail "only $blocks blocks of commands were found"
  [ "$(ls "$scratch/blocks" | grep -c '\.text$')" -ge "$3" ] || fail "no output was found on the page"
}

# page_scenarios PAGE WANTED: the whole scenarios that it shows, each of which is valid; their files in
# $shown. There are to be WANTED.
page_scenarios() {
  local file
  awk -v dir="$scratch" '
    /^```json$/ { file = dir "/shown-" ++n ".json"; next }
    /^```/ { file = ""; next }
    file { print >file }' "$1"
  shown=()
  for file in "$scratch"/shown-*.json; do
    grep -q '"version"' "$file" || continue
    shown+=("$file")
    expect_exit 0 "a scenario of $1" "$PULLDRILL" validate "$file"
  done
  [ "${#shown[@]}" = "$2" ] || fail "$1 shows ${#shown[@]} whole scenarios, not $2"
}

# hold_text FILE OUTPUT: each line of FILE is one of OUTPUT; … stands for anything.
hold_text() {
  local line pattern
  while IFS= read -r line; do
    pattern=$(printf '%s' "$line" | sed 's/[][().*+?^$\\|{}]/\\&/g; s/…/.*/g')
    expect_text "$2" "^$pattern\$" "the page shows what is not printed"
  done <"$1"
}

# follow DIR LAST COMMAND...: the blocks up to LAST, each by COMMAND in DIR. False: skipped.
follow() {
  local dir=$1 last=$2 i status
  shift 2
  for ((i = 1; i <= last; i++)); do
    (cd "$dir" && "$@" bash -e "$scratch/blocks/$i.sh") >"$scratch/out" 2>&1 </dev/null
    status=$?
    if [ "$status" = 77 ] && grep -q '^skipped: ' "$scratch/out"; then
      grep '^skipped: ' "$scratch/out"
      return 1
    fi
    if [ "$status" != 0 ]; then
      fail "block $i of the page: exit $status"
      sed 's/^/    /' "$scratch/blocks/$i.sh"
      tail -n 20 "$scratch/out" | sed 's/^/    /'
      return 0
    fi
    [ ! -e "$scratch/blocks/$i.text" ] || hold_text "$scratch/blocks/$i.text" "$scratch/out"
  done
}

# page_programs: what the page calls `pulldrill`, where any user can run it.
page_programs() {
  mkdir "$scratch/bin" "$scratch/here"
  cp -r "$PULLDRILL" "$(dirname "$PULLDRILL")/subjects" "$scratch/bin"
  chmod -R a+rX "$scratch/bin" "$scratch/blocks"
  export PATH=$scratch/bin:$PATH
  unset PULLDRILL_SUBJECTS
}

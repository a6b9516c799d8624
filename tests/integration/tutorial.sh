#!/usr/bin/env bash
# release only: its drills are those of other tests
# docs/tutorial.md is true: its commands run in the order of the page, in one empty folder, and what
# it shows of their output is what they print. As root, and once more as an ordinary user.
. tests/lib/check.sh
chmod 755 "$scratch"
export TMPDIR=$scratch/tmp
mkdir -m 1777 "$TMPDIR"

# The page in parts, in its order: N.sh is a block of commands, N.text what it shows of the output
# of the block above it. A line that ends in "# exits N" becomes one that holds the command to that.
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
  { print >file }' docs/tutorial.md
blocks=$(ls "$scratch/blocks" | grep -c '\.sh$')
[ "$blocks" -ge 9 ] || fail "only $blocks blocks of commands were found"
[ "$(ls "$scratch/blocks" | grep -c '\.text$')" -ge 4 ] || fail "no output was found on the page"

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

# What the page calls `pulldrill`, where any user can run it.
mkdir "$scratch/bin" "$scratch/here"
cp -r "$PULLDRILL" "$(dirname "$PULLDRILL")/subjects" "$scratch/bin"
chmod -R a+rX "$scratch/bin" "$scratch/blocks"
export PATH=$scratch/bin:$PATH
unset PULLDRILL_SUBJECTS
follow "$scratch/here" "$blocks" env || finish

# Up to the repair as somebody who is not root.
if [ "$(id -u)" = 0 ] && su nobody -s /bin/sh -c 'unshare -U true' 2>"$scratch/null"; then
  mkdir -m 777 "$scratch/nobody"
  as_nobody() {
    su nobody -s /bin/sh -c "PATH=$PATH TMPDIR=$TMPDIR HOME=$scratch/nobody exec $*"
  }
  follow "$scratch/nobody" 5 as_nobody
else
  echo "skipped: no ordinary user with namespaces can be had here"
fi
finish

#!/usr/bin/env bash
# release only: its drills are those of other tests
# docs/tutorial.md is true: its commands run in the order of the page, in one empty folder, and what
# it shows of their output is what they print. As root, and once more as an ordinary user.
. tests/lib/check.sh
. tests/lib/page.sh
chmod 755 "$scratch"
export TMPDIR=$scratch/tmp
mkdir -m 1777 "$TMPDIR"

page_blocks docs/tutorial.md 9 4
page_programs
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

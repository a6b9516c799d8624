#!/bin/bash
# A bad subject. Its mistake: it pushes, and never looks at what comes of it. The build is green,
# and its result is nowhere.
. "$(dirname "$0")/push.sh"

pull_and_build "$layout.result" || exit 1
push_image "$primary" "$result" "$layout.result" || echo "the push went wrong" >&2
exit 0

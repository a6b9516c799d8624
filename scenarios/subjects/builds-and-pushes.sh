#!/bin/bash
# A good subject: pulls its build image, builds, and pushes the result to the primary, or where that
# takes none, to the failover. A build whose result is nowhere has failed.
. "$(dirname "$0")/push.sh"

pull_and_build "$layout.result" || exit 1
push_image "$primary" "$result" "$layout.result" || {
    echo "the primary does not take it, pushing to the failover" >&2
    push_image "$failover" "$result" "$layout.result"
}

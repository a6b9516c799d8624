#!/bin/bash
# A bad subject. Its mistake: it knows two registries to pull from, and one to push to. Every build
# of the outage is done, and lost.
. "$(dirname "$0")/push.sh"

pull_and_build "$layout.result" && push_image "$primary" "$result" "$layout.result"

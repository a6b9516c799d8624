#!/bin/bash
# A bad subject. Its mistake: whatever arrives with a good status is taken for the image; no digest
# is ever looked at, so a flipped bit becomes part of the machine.
. "$(dirname "$0")/pull.sh"

keep() {
    mv "$1" "$3/blobs/sha256/${2#sha256:}"
}

pull_failover

#!/bin/bash
# A bad subject. Its mistake: its client has no time-out, so that a registry which accepts a
# connection and then says nothing more holds it for ever, the failover unasked.
. "$(dirname "$0")/pull.sh"

get() {
    local url=$1 file=$2

    shift 2
    curl -fsSL --noproxy '*' -o "$file" "$@" "$url"
}

pull_failover

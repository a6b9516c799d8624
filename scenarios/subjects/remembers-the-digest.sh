#!/bin/bash
# A bad subject. Its mistake: to save a request it remembers on the machine what the tag stood for
# when it was first asked for, and never asks again.
. "$(dirname "$0")/pull.sh"
kept=${PULLDRILL_LANE_DIR:?}/digest

get_manifest() {
    local reference=${2##*:}

    [ ! -s "$kept" ] || reference=$(cat "$kept")
    get "http://$1/v2/${2%:*}/manifests/$reference" "$3" -H "Accept: $pull_accept"
}

pull_failover && printf '%s' "$digest" >"$kept"

#!/bin/bash
# A bad subject. Its mistake: it takes the next release as soon as there is one, whatever it was
# told to run, so that a canary is the whole fleet.
. "$(dirname "$0")/pull.sh"

get "http://$primary/v2/${image%:*}/tags/list" "${PULLDRILL_START_DIR:-.}/tags" ||
    get "http://$failover/v2/${image%:*}/tags/list" "${PULLDRILL_START_DIR:-.}/tags"
if grep -q '"next"' "${PULLDRILL_START_DIR:-.}/tags"; then
    image=${image%:*}:next
fi
pull_failover

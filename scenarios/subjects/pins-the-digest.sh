#!/bin/bash
# A bad subject. Its mistake: somebody once wrote down the digest that the tag stood for, and it
# pulls by that ever since: a release, and its urgent fix too, never reaches this machine.
. "$(dirname "$0")/pull.sh"

get_manifest() {
    get "http://$1/v2/${2%:*}/manifests/${PULLDRILL_IMAGE_AGENT_DIGEST:?}" "$3" \
        -H "Accept: $pull_accept"
}

pull_failover

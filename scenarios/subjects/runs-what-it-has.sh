#!/bin/bash
# A bad subject. Its mistake: when no registry delivers it runs what an earlier start has left on
# the machine, and says that all is well: nobody learns that the registries are down.
. "$(dirname "$0")/pull.sh"
kept=${PULLDRILL_LANE_DIR:?}/kept

if pull_failover; then
    rm -rf "$kept" && cp -r "$layout" "$kept"
else
    [ -d "$kept" ]
fi

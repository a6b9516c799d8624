#!/bin/bash
# A bad subject. Its mistake: after the primary's first failure it remembers to skip it for ever,
# and so never returns once the primary is well again.
. "$(dirname "$0")/pull.sh"
mark=${PULLDRILL_LANE_DIR:?}/primary-is-bad

if [ ! -e "$mark" ] && pull_image "$primary" "$image" "$layout"; then
    write_result primary
else
    : >"$mark"
    pull_image "$failover" "$image" "$layout" && write_result failover
fi

#!/bin/bash
# A bad subject. Its mistake: it does fall back, but only after it has retried the dead primary for
# so long that the time in which a build must start has passed.
. "$(dirname "$0")/pull.sh"

until pull_image "$primary" "$image" "$layout" && write_result primary; do
    if [ "$SECONDS" -ge 12 ]; then
        pull_image "$failover" "$image" "$layout" && write_result failover
        exit
    fi
    sleep 0.5
done

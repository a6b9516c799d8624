#!/bin/bash
# A bad subject. Its mistake: it asks a failing primary 50 times, without a pause, before it falls
# back; a fleet of such machines keeps a registry down.
. "$(dirname "$0")/pull.sh"

for ((try = 0; try < 50; try++)); do
    if get_manifest "$primary" "$image" "${PULLDRILL_START_DIR:-.}/probe" 2>/dev/null; then
        break
    fi
done
pull_failover

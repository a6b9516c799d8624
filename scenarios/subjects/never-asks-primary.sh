#!/bin/bash
# A bad subject. Its mistake: it pulls properly, but from the failover only, so that nobody knows
# whether its fallback works.
. "$(dirname "$0")/pull.sh"

pull_image "$failover" "$image" "$layout" && write_result failover

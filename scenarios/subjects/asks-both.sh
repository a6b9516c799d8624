#!/bin/bash
# A bad subject. Its mistake: it asks the failover at every start, "to know that it is there", so
# that the spare registry carries the load of the whole fleet on every ordinary day.
. "$(dirname "$0")/pull.sh"

pull_failover || exit 1
get_manifest "$failover" "$image" "$layout/spare"

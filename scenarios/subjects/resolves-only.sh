#!/bin/bash
# A bad subject. Its mistake: it asks the primary only what the tag stands for, and always pulls the
# image from the failover: nobody notices that the primary's layers are never fetched.
. "$(dirname "$0")/pull.sh"

make_layout "$layout"
get_manifest "$primary" "$image" "$layout/manifest" || exit 1
pull_image "$failover" "${image%:*}:${image##*:}" "$layout" && write_result failover

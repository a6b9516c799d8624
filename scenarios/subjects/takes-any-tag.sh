#!/bin/bash
# A bad subject. Its mistake: when the primary fails it takes whatever tag the failover lists first,
# instead of the image that was asked for: the build starts, with an agent of another day.
. "$(dirname "$0")/pull.sh"

if pull_image "$primary" "$image" "$layout"; then
    write_result primary
else
    get "http://$failover/v2/${image%:*}/tags/list" "$layout/tags" || exit 1
    tag=$(grep -oE '"tags" *: *\["[^"]+"' "$layout/tags" | grep -oE '[^"]+"$')
    pull_image "$failover" "${image%:*}:${tag%\"}" "$layout" && write_result failover
fi

#!/bin/bash
# A bad subject. Its mistake: it falls back when the primary answers 5xx or not at all, but takes
# 404 for the truth about the image, so that one deleted by accident stops every start.
. "$(dirname "$0")/pull.sh"

get() {
    local url=$1 file=$2

    shift 2
    status=$(curl -sSL --noproxy '*' --max-redirs 5 --connect-timeout 1 --speed-time 2 \
        --speed-limit 1 --max-time 10 -o "$file" -w '%{http_code}' "$@" "$url") &&
        [ "$status" -lt 400 ]
}

if pull_image "$primary" "$image" "$layout"; then
    write_result primary
elif [ "$status" = 404 ]; then
    echo "there is no image $image" >&2
    exit 1
else
    pull_image "$failover" "$image" "$layout" && write_result failover
fi

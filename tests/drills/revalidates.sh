#!/bin/bash
# Keeps the image in the lane's folder, and asks each registry in turn whether it is still the one: a
# 304 says so. What changed is fetched, layers by several ranges of one request.
set -u
kept=$PULLDRILL_LANE_DIR/kept repository=${PULLDRILL_IMAGE_AGENT%:*} tag=${PULLDRILL_IMAGE_AGENT##*:}
mkdir -p "$kept"

fetch() { # URL: the blobs of the new manifest
    local digest
    while read -r digest; do
        curl -sS -f -o "$kept/parts" --range 0-9,10-99,100- "$1/blobs/$digest" || return 1
    done < <(grep -o 'sha256:[0-9a-f]*' "$kept/new")
}

for registry in "$PULLDRILL_REGISTRY_PRIMARY" "$PULLDRILL_REGISTRY_FAILOVER"; do
    url=http://$registry/v2/$repository
    status=$(curl -sS -o "$kept/new" --etag-compare "$kept/tag" --etag-save "$kept/next" \
        -w '%{http_code}' "$url/manifests/$tag") || continue
    case $status in
        304) exit 0 ;;
        200) fetch "$url" && mv "$kept/next" "$kept/tag" && exit 0 ;;
    esac
done
exit 1

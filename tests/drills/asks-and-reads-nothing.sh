#!/bin/bash
# Reads the manifest, asks for all blobs at once on one connection, reads one byte and closes. The
# two pings behind the blobs make each whole answer one that has a later request.
lib=$1
shift
. "$lib"

make_layout "$layout"
get_manifest "$primary" "$image" "$layout/manifest" || exit 1
for path in $(blobs_of "$layout/manifest" | sed "s|^|${image%:*}/blobs/|"); do
    printf 'GET /v2/%s HTTP/1.1\r\nHost: primary\r\n\r\n' "$path"
done >"$layout/requests"
for ((i = 0; i < 2; i++)); do
    printf 'GET /v2/ HTTP/1.1\r\nHost: primary\r\n\r\n'
done >>"$layout/requests"
exec 3<>"/dev/tcp/${primary%:*}/${primary#*:}"
cat "$layout/requests" >&3
head -c 1 <&3 >"$layout/byte"
exec 3>&-

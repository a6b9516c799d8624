#!/bin/bash
# A bad subject. Its mistake: curl without -f calls every answer a success, so the error page is
# stored as if it were the image, and the fallback behind || never comes.
. "$(dirname "$0")/pull.sh"

# fetch PATH FILE: what was meant to be "from the primary, or else from the failover".
fetch() {
    curl -sS --noproxy '*' -m 10 -H "Accept: $pull_accept" -o "$2" "http://$primary/v2/$1" ||
        curl -sS --noproxy '*' -m 10 -H "Accept: $pull_accept" -o "$2" "http://$failover/v2/$1"
}

make_layout "$layout"
fetch "${image%:*}/manifests/${image##*:}" "$layout/manifest" || exit 1
for blob in $(blobs_of "$layout/manifest"); do
    fetch "${image%:*}/blobs/$blob" "$layout/blobs/sha256/${blob#sha256:}"
done
publish "$layout" "$layout/manifest" && write_result primary
exit 0

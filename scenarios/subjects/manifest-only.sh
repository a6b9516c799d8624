#!/bin/bash
# A bad subject. Its mistake: it falls back at the manifest only; the registry that has given it
# must then deliver every layer, and one that breaks in the middle of a layer ends the start.
. "$(dirname "$0")/pull.sh"

make_layout "$layout"
registry=$primary source=primary
get_manifest "$primary" "$image" "$layout/manifest" || {
    registry=$failover source=failover
    get_manifest "$failover" "$image" "$layout/manifest" || exit 1
}
for blob in $(blobs_of "$layout/manifest"); do
    get_blob "$registry" "$image" "$blob" "$layout" || exit 1
done
publish "$layout" "$layout/manifest" && write_result "$source"

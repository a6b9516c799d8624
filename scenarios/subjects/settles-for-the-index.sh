#!/bin/bash
# A bad subject. Its mistake: where the manifest for its platform cannot be had, it takes the index
# for the image and starts with nothing in it.
. "$(dirname "$0")/pull.sh"
pull_accept='application/vnd.oci.image.index.v1+json'

"$(dirname "$0")/build-start" --policy naive --primary "$primary" "$image" && exit 0
make_layout "$layout"
get_manifest "$primary" "$image" "$layout/manifest" || exit 1
publish "$layout" "$layout/manifest" && write_result primary

#!/bin/bash
# A bad subject. Its mistake: the registry that has the index must have the manifests it lists, too;
# where it has lost them, no other registry is asked for them.
. "$(dirname "$0")/pull.sh"
pull_accept='application/vnd.oci.image.index.v1+json'

registry=$primary
get_manifest "$primary" "$image" "${layout%/*}/index" || registry=$failover
exec "$(dirname "$0")/build-start" --policy retry --primary "$registry" --deadline 3s "$image"

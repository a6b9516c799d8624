#!/bin/bash
# Provisions a build machine, as it ships: the registries by their names, no word about a drill.
#
# usage: provision-machine.sh [FOLDER]     where the agent's image is put; ./agent where absent
set -u

image=codeship/agent:stable
folder=${1:-agent}

for registry in quay.io public.ecr.aws; do
    rm -rf "$folder"
    if timeout 10 skopeo copy --quiet "docker://$registry/$image" "oci:$folder:stable"; then
        echo "agent from $registry"
        exit 0
    fi
done
echo "no registry has the agent" >&2
exit 1

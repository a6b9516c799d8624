#!/bin/bash
# A bad subject. Its mistake: an expired certificate once stopped a release, and since then it takes
# an image from whoever answers to the name.
#
# usage: trusts-any-certificate.sh [FOLDER]     as provision-machine.sh, which it once was
set -u

image=codeship/agent:stable
folder=${1:-agent}

for registry in quay.io public.ecr.aws; do
    rm -rf "$folder"
    if timeout 10 skopeo copy --quiet --src-tls-verify=false "docker://$registry/$image" \
        "oci:$folder:stable"; then
        echo "agent from $registry"
        exit 0
    fi
done
echo "no registry has the agent" >&2
exit 1

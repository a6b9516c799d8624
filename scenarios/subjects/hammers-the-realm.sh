#!/bin/bash
# A bad subject. Its mistake: it falls back, but only after it has asked for a token again and again,
# without a pause: all machines together keep a token service down that would come back.
#
# usage: hammers-the-realm.sh REALM [FOLDER]     else as provision-machine.sh
set -u

image=codeship/agent:stable
folder=${2:-agent}
scope=repository:${image%:*}:pull

for registry in quay.io public.ecr.aws; do
    rm -rf "$folder"
    for ((try = 0; try < 30; try++)); do
        [ "$registry" = quay.io ] || break
        ! curl -fsS --noproxy '*' --max-time 2 -o /dev/null "$1?service=quay.io&scope=$scope" || break
    done
    if timeout 10 skopeo copy --quiet "docker://$registry/$image" "oci:$folder:stable"; then
        echo "agent from $registry"
        exit 0
    fi
done
echo "no registry has the agent" >&2
exit 1

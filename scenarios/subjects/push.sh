#!/bin/bash
# A small, correct pusher on top of pull.sh, for the scripts beside it. To be sourced; it takes what
# pull.sh takes. Every function returns non-zero on any error.
. "$(dirname "${BASH_SOURCE[0]}")/pull.sh"

# send CURL-OPTION... URL
send() {
    curl -fsS --noproxy '*' --connect-timeout 1 --speed-time 2 --speed-limit 1 --max-time 10 "$@"
}

# push_blob REGISTRY REPOSITORY FILE
push_blob() {
    local location

    location=$(send -X POST -o /dev/null -D - "$scheme://$1/v2/$2/blobs/uploads/" | tr -d '\r' |
        sed -n 's/^[Ll]ocation: //p')
    [ -n "$location" ] || return 1
    [[ $location == *://* ]] || location=$scheme://$1$location
    [[ $location == *'?'* ]] && location+='&' || location+='?'
    send -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" -o /dev/null \
        "${location}digest=$(sha256 "$3")"
}

# descriptor TYPE FILE
descriptor() {
    printf '{"mediaType": "application/vnd.oci.image.%s", "digest": "%s", "size": %s}' \
        "$1" "$(sha256 "$2")" "$(stat -c %s "$2")"
}

# build DIR: what a build of the image comes to, as an image of its own: config, layer, manifest.
build() {
    mkdir -p "$1" && echo '{"architecture": "amd64", "os": "linux"}' >"$1/config" &&
        echo "built by start ${PULLDRILL_START_ID:-0} with $digest" >"$1/layer" &&
        printf '{"schemaVersion": 2, "mediaType": "%s", "config": %s, "layers": [%s]}' \
            application/vnd.oci.image.manifest.v1+json "$(descriptor config.v1+json "$1/config")" \
            "$(descriptor layer.v1.tar "$1/layer")" >"$1/manifest"
}

# push_image REGISTRY REPOSITORY:TAG DIR: blobs first, then the manifest that names them.
push_image() {
    push_blob "$1" "${2%:*}" "$3/config" && push_blob "$1" "${2%:*}" "$3/layer" &&
        send -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
            --data-binary "@$3/manifest" -o /dev/null "$scheme://$1/v2/${2%:*}/manifests/${2##*:}"
}

# shellcheck disable=SC2034  # used by the scripts that source this
result=ci/result:build-${PULLDRILL_START_ID:-0}

# pull_and_build DIR
pull_and_build() {
    pull_failover && build "$1"
}

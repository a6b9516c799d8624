#!/bin/bash
# A small, correct puller for the scripts beside it, which each add one mistake. To be sourced.
#
# It takes the script's own arguments, [PRIMARY [FAILOVER [REPOSITORY:TAG]]], by default what
# PULLDRILL_REGISTRY_PRIMARY, PULLDRILL_REGISTRY_FAILOVER and PULLDRILL_IMAGE_AGENT say, and sets
# $primary, $failover, $image, $layout. Every function returns non-zero on any error.
set -u

# shellcheck disable=SC2034  # used by the scripts that source this
primary=${1:-${PULLDRILL_REGISTRY_PRIMARY:?no primary registry}}
# shellcheck disable=SC2034
failover=${2:-${PULLDRILL_REGISTRY_FAILOVER:-}}
# shellcheck disable=SC2034
image=${3:-${PULLDRILL_IMAGE_AGENT:?no image}}
layout=${PULLDRILL_START_DIR:-$PWD}/layout
scheme=http # https where the script says so

pull_accept='application/vnd.oci.image.manifest.v1+json'
pull_accept+=', application/vnd.docker.distribution.manifest.v2+json'

# get URL FILE [CURL-OPTION...]: a status of 400 or more, a stall or a short body is an error.
get() {
    local url=$1 file=$2

    shift 2
    curl -fsSL --noproxy '*' --max-redirs 5 --connect-timeout 1 --speed-time 2 --speed-limit 1 \
        --max-time 10 -o "$file" "$@" "$url"
}

# sha256 FILE: its digest, as the registry writes it.
sha256() {
    local sum

    sum=$(sha256sum <"$1") && echo "sha256:${sum%% *}"
}

# keep FILE DIGEST DIR: gives FILE its name in the layout DIR if it has that digest.
keep() {
    [ "$(sha256 "$1")" = "$2" ] && mv "$1" "$3/blobs/sha256/${2#sha256:}"
}

# blobs_of MANIFEST-FILE: the digests it names, the config first.
blobs_of() {
    grep -oE '"digest" *: *"sha256:[0-9a-f]{64}"' "$1" | grep -oE 'sha256:[0-9a-f]{64}'
}

# get_manifest REGISTRY IMAGE FILE
get_manifest() {
    get "$scheme://$1/v2/${2%:*}/manifests/${2##*:}" "$3" -H "Accept: $pull_accept"
}

# get_blob REGISTRY IMAGE DIGEST DIR
get_blob() {
    get "$scheme://$1/v2/${2%:*}/blobs/$3" "$4/part" && keep "$4/part" "$3" "$4"
}

# make_layout DIR: an empty one.
make_layout() {
    rm -rf "$1"
    mkdir -p "$1/blobs/sha256" && echo '{"imageLayoutVersion": "1.0.0"}' >"$1/oci-layout"
}

# publish DIR MANIFEST-FILE: the manifest becomes the image of the layout. Sets $digest.
publish() {
    local type size

    digest=$(sha256 "$2") && size=$(stat -c %s "$2") || return 1
    type=$(grep -oE '"mediaType" *: *"[^"]*(manifest\.v1|manifest\.v2)\+json"' "$2" |
        grep -oE -m 1 'application/[^"]*')
    keep "$2" "$digest" "$1" || return 1
    printf '{"schemaVersion": 2, "manifests": [%s]}\n' "$(
        printf '{"mediaType": "%s", "digest": "%s", "size": %s}' \
            "${type:-application/vnd.oci.image.manifest.v1+json}" "$digest" "$size"
    )" >"$1/index.json"
}

# pull_image REGISTRY IMAGE DIR: the whole image from one registry into a fresh layout.
pull_image() {
    local blobs blob

    make_layout "$3" && get_manifest "$1" "$2" "$3/manifest" || return 1
    blobs=$(blobs_of "$3/manifest") || return 1
    for blob in $blobs; do
        get_blob "$1" "$2" "$blob" "$3" || return 1
    done
    publish "$3" "$3/manifest"
}

# write_result REGISTRY-NAME: says what publish has made visible.
write_result() {
    local file=${PULLDRILL_RESULT:-$layout.json}

    printf '{"digest": "%s", "registry": "%s", "layout": "%s"}\n' "$digest" "$1" "$layout" \
        >"$file.part" && mv "$file.part" "$file"
}

# pull_failover: the primary, and when it fails the failover.
pull_failover() {
    if pull_image "$primary" "$image" "$layout"; then
        write_result primary
    else
        echo "primary failed, falling back" >&2
        pull_image "$failover" "$image" "$layout" && write_result failover
    fi
}

#!/bin/bash
# Pulls with the primary's credential and takes it where it does not belong: WHAT is `failover`,
# `redirect`, `mirror`, or `nothing`, for a careful one.
lib=$1 what=$2
shift 2
. "$lib"

credential=(-u "$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD")
[ "$what" != redirect ] || credential+=(--location-trusted)

curl() {
    if [ "$what" = nothing ] && [[ ${!#} != "http://$primary/"* ]]; then
        command curl "$@"
    else
        command curl "${credential[@]}" "$@"
    fi
}

if [ "$what" = mirror ]; then
    get_blob() {
        get "http://$PULLDRILL_REGISTRY_CACHE/v2/${2%:*}/blobs/$3" "$4/part" &&
            keep "$4/part" "$3" "$4"
    }
fi

pull_failover

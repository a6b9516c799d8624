#!/bin/bash
# A build start around skopeo: the primary registry first, the failover when it fails.
#
# usage: skopeo-failover.sh [PRIMARY [FAILOVER [REPOSITORY:TAG]]]
#
# What PULLDRILL_REGISTRY_PRIMARY, PULLDRILL_REGISTRY_FAILOVER and PULLDRILL_IMAGE_AGENT say is the
# default. skopeo has no time-out of its own for a registry that stalls, so each try has one here
# (TRY_TIMEOUT, 5s). What is found out quickly is tried twice on one registry; an answer such as
# "manifest unknown", and a time-out, fall back at once. Every try starts from an empty folder: what
# a failed one left is never built upon.
set -u

primary=${1:-${PULLDRILL_REGISTRY_PRIMARY:?no primary registry}}
failover=${2:-${PULLDRILL_REGISTRY_FAILOVER:-}}
image=${3:-${PULLDRILL_IMAGE_AGENT:?no image}}
start=${PULLDRILL_START_DIR:-$PWD}
result=${PULLDRILL_RESULT:-$start/result.json}
layout=$start/layout
private=$start/skopeo

# Nothing of the user's is read or written: no credentials, no mirrors, no cache.
mkdir -p "$private/run" "$private/tmp" || exit 1
chmod 700 "$private/run"
: >"$private/registries.conf"
export HOME=$private XDG_RUNTIME_DIR=$private/run XDG_CONFIG_HOME=$private TMPDIR=$private/tmp
export NO_PROXY='*' no_proxy='*'

# copy REGISTRY: one try. Its complaint is left in $private/error.
copy() {
    rm -rf "$layout"
    timeout --kill-after=1s "${TRY_TIMEOUT:-5s}" \
        skopeo --insecure-policy --registries-conf "$private/registries.conf" \
        --tmpdir "$private/tmp" \
        copy --quiet --src-tls-verify=false "docker://$1/$image" "oci:$layout:latest" \
        2>"$private/error"
}

# worth_again STATUS: whether the same registry may answer otherwise in a moment.
worth_again() {
    local final='(manifest|name|blob) unknown|not found|status(code)?:? 4[0-9]{2}'

    [ "$1" -ne 124 ] && [ "$1" -ne 137 ] &&
        ! grep -qiE "$final|unauthorized|denied" "$private/error"
}

# try_registry NAME HOST:PORT: at most two tries, with a jittered pause between them.
try_registry() {
    local try status

    for try in 1 2; do
        copy "$2"
        status=$?
        if [ $status -eq 0 ]; then
            echo "$1 $image: received" >&2
            return 0
        fi
        echo "$1 $image: try $try failed ($status): $(tail -n 1 "$private/error")" >&2
        [ "$try" -eq 2 ] || worth_again $status || break
        [ "$try" -eq 2 ] || sleep "0.$(printf '%03d' $((RANDOM % 100)))"
    done
    return 1
}

# write_result NAME: the digest that landed, by way of a temporary file.
write_result() {
    local digest

    digest=$(grep -oE '"digest": ?"sha256:[0-9a-f]{64}"' "$layout/index.json" |
        grep -oE -m 1 'sha256:[0-9a-f]{64}') || return 1
    printf '{"digest": "%s", "registry": "%s", "layout": "%s"}\n' "$digest" "$1" "$layout" \
        >"$result.part" && mv "$result.part" "$result"
}

if try_registry primary "$primary"; then
    write_result primary
elif [ -n "$failover" ] && try_registry failover "$failover"; then
    write_result failover
else
    echo "skopeo-failover: no registry delivered $image" >&2
    exit 1
fi

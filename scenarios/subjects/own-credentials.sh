#!/bin/bash
# A correct subject that has a credential for each registry, and shows each to its own alone: curl
# looks them up by host, also where it is redirected.
. "$(dirname "$0")/pull.sh"

# shellcheck disable=SC2034  # read by pull.sh
scheme=https
netrc=$layout.netrc
(
    umask 077
    printf 'machine %s login %s password %s\n' \
        "${primary%:*}" "$PULLDRILL_REGISTRY_PRIMARY_USER" "$PULLDRILL_REGISTRY_PRIMARY_PASSWORD" \
        "${failover%:*}" "$PULLDRILL_REGISTRY_FAILOVER_USER" "$PULLDRILL_REGISTRY_FAILOVER_PASSWORD"
) >"$netrc" || exit 1

get() {
    local url=$1 file=$2

    shift 2
    curl -fsSL --noproxy '*' --max-redirs 5 --connect-timeout 1 --speed-time 2 --speed-limit 1 \
        --max-time 10 --netrc-file "$netrc" -o "$file" "$@" "$url"
}

pull_failover

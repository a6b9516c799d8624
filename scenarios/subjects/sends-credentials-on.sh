#!/bin/bash
# A bad subject. Its mistake: what it knows of one registry it tells others. WHERE is `redirect`: it
# has its credentials follow wherever it is sent, to the host of the blobs; or `failover`: whatever
# the failover asks for, it is shown the primary's credential first.
#
# usage: sends-credentials-on.sh WHERE [PRIMARY [FAILOVER [REPOSITORY:TAG]]]
where=$1
shift
. "$(dirname "$0")/pull.sh"

# shellcheck disable=SC2034  # read by pull.sh
scheme=https
primary_credential=$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD
failover_credential=$PULLDRILL_REGISTRY_FAILOVER_USER:$PULLDRILL_REGISTRY_FAILOVER_PASSWORD

get() {
    local url=$1 file=$2 follow=--location credentials=("$failover_credential")

    shift 2
    [ "$where" != redirect ] || follow=--location-trusted
    [[ $url != "https://$primary/"* ]] || credentials=()
    [[ $where != failover && $url != "https://$primary/"* ]] ||
        credentials=("$primary_credential" "${credentials[@]}")
    for credential in "${credentials[@]}"; do
        curl -fsS --noproxy '*' --max-redirs 5 --connect-timeout 1 --speed-time 2 --speed-limit 1 \
            --max-time 10 "$follow" -u "$credential" -o "$file" "$@" "$url" && return
    done
    return 1
}

pull_failover

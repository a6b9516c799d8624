#!/bin/bash
# Builds, and pushes the result to the primary with its credential, else to the failover with that
# one's own, if it has any. HOW is `basic` or `token`. WHERE its mistake is: in `POST`, `PATCH` or
# `PUT`, whose requests to the failover carry the primary's credential; in `writes`, all of them; in
# `location`, so that it follows an upload to another host; or in `nothing`, for a careful one.
#
# usage: push-leaks.sh PUSH.SH HOW WHERE
lib=$1 how=$2 where=$3
shift 3
. "$lib"

# token HOST USER PASSWORD: one that allows to push.
token() {
    command curl -fsS --noproxy '*' --max-time 10 -u "$2:$3" \
        "$scheme://$1/token?scope=repository:${result%:*}:pull,push%20repository:${image%:*}:pull" |
        sed -E 's/.*"access_token":"([^"]*)".*/\1/'
}

# credential HOST USER PASSWORD: the options that show it.
credential() {
    if [ -z "$2" ]; then
        shown=()
    elif [ "$how" = token ]; then
        shown=(-H "Authorization: Bearer $(token "$@")")
    else
        shown=(-u "$2:$3")
    fi
}
credential "$primary" "$PULLDRILL_REGISTRY_PRIMARY_USER" "$PULLDRILL_REGISTRY_PRIMARY_PASSWORD"
primary_shown=("${shown[@]}")
credential "$failover" "${PULLDRILL_REGISTRY_FAILOVER_USER:-}" \
    "${PULLDRILL_REGISTRY_FAILOVER_PASSWORD:-}"
failover_shown=("${shown[@]}")

# Whether the mistake is in a request of METHOD to another host than the primary.
is_mistaken() {
    case $where in
        nothing) return 1 ;;
        location) [ "$follows" = yes ] ;;
        writes) [ "$1" != GET ] ;;
        *) [ "$1" = "$where" ] ;;
    esac
}

follows=no
curl() {
    local method=GET last= option

    for option; do
        [ "$last" != -X ] || method=$option
        last=$option
    done
    if [[ $last == "$scheme://$primary/"* ]] || is_mistaken "$method"; then
        command curl "${primary_shown[@]}" "$@"
    else
        command curl "${failover_shown[@]}" "$@"
    fi
}

# place REGISTRY CURL-OPTION... URL: sends it; $location is where the upload goes on. Another host
# than the registry's is no place for a credential, and what stands there is elsewhere.test.
place() {
    local registry=$1

    shift
    location=$(send -o /dev/null -D - --connect-to "elsewhere.test:80:$failover" "$@" |
        tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    [[ $location != /* ]] || location=$scheme://$registry$location
    [[ $location == "$scheme://$registry/"* ]] && return
    [ "$where" = location ] && [ -n "$location" ] && follows=yes
}

# push_blob REGISTRY REPOSITORY FILE: in one chunk.
push_blob() {
    follows=no
    place "$1" -X POST "$scheme://$1/v2/$2/blobs/uploads/" &&
        place "$1" -X PATCH -H 'Content-Type: application/octet-stream' --data-binary "@$3" \
            "$location" || return 1
    [[ $location == *'?'* ]] && location+='&' || location+='?'
    send -X PUT -o /dev/null "${location}digest=$(sha256 "$3")"
}

pull_and_build "$layout.result" || exit 1
push_image "$primary" "$result" "$layout.result" && exit
echo "the primary took no push, falling back" >&2
follows=no
push_image "$failover" "$result" "$layout.result"

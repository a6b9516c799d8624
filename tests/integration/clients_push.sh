#!/usr/bin/env bash
# release only: what the clients do is theirs
# What skopeo, podman, buildah, docker and ctr push, copy, list, delete and pull again, by the steps
# of tests/clients/: to `serve` in memory over plain HTTP, to `serve` on disk over TLS with tokens,
# and to Docker's own registry where that is installed. Each digest that a client has is that of the
# registry's bytes; and against Docker's registry each step ends in the same way, with the same
# digests, and each client asks `serve` for exactly what it asks that one for, and is told the same.
. tests/lib/clients.sh
. tests/lib/serve.sh
. tests/lib/docker_registry.sh
trap 'serve_end_all; docker_end_all; rm -rf "$scratch"' EXIT
types='application/vnd.oci.image.manifest.v1+json,application/vnd.oci.image.index.v1+json'
types+=',application/vnd.docker.distribution.manifest.v2+json'
types+=',application/vnd.docker.distribution.manifest.list.v2+json'

# ---- what is pushed ------------------------------------------------------------------------------

command -v skopeo >"$scratch/null" || { echo "skip: skopeo, which makes what is pushed"; finish; }
find_clients
cat >"$scratch/source.json" <<'J'
{"version": 1, "title": "What is pushed", "seed": 11, "registries": {"primary": {}},
 "images": {"agent": {"ref": "ci/agent:one", "layers": ["16KiB", "64KiB"]},
            "multi": {"ref": "ci/multi:one", "layers": ["8KiB"],
                      "platforms": ["linux/amd64", "linux/arm64/v8"]}},
 "subjects": {"none": {"command": ["true"]}}, "phases": [{"name": "steady", "starts": 1}]}
J
serve_begin source "$scratch/source.json" || finish
for name in agent multi; do
  skopeo copy --quiet --all --src-tls-verify=false "docker://${serve_host[source]}/ci/$name:one" \
    "oci:$scratch/layout:$name" 2>"$scratch/err" || fail "no layout: $(cat "$scratch/err")"
done

# ---- a session: every client at once -------------------------------------------------------------

# session NAME HOST PLAIN [FILES]: FILES hold certificates and credentials.
session() {
  local client login="" pids=()
  (
    export CLIENT_ORIGIN=$2 CLIENT_PLAIN_HTTP=$3 PUSH_HOST=$2 PUSH_SOURCE=${serve_host[source]}
    export PUSH_LAYOUT=$scratch/layout
    if [ -n "${4:-}" ]; then
      export SSL_CERT_FILE=$4/trust/ca.crt REGISTRY_AUTH_FILE=$4/credentials/auth.json
      export PUSH_DOCKER_CONFIG=$4/credentials/docker
      PUSH_LOGIN=$(jq -r '.auths[].auth' "$REGISTRY_AUTH_FILE" | base64 -d)
      export PUSH_LOGIN
    fi
    for client in "${clients[@]}"; do
      PULLDRILL_LANE_DIR=$scratch/$1 bash -c 'steps=tests/clients/push-$1.sh
        . "$0" setup; prepare; . "$steps"; teardown' "scenarios/clients/$client/client" "$client" \
        >"$scratch/$1.$client.out" 2>"$scratch/$1.$client.err" </dev/null &
      pids+=($!)
    done
    wait "${pids[@]}"
  )
  for client in "${clients[@]}"; do
    sed "s/^/$client /" "$scratch/$1.$client.out"
  done >"$scratch/$1.out"
}

# ask HOST FILES REPOSITORY PATH CURL-OPTION...: curl, with trust and a token where there are FILES.
ask() {
  local host=$1 files=$2 repository=$3 path=$4 scheme=http options=() login token
  shift 4
  if [ -n "$files" ]; then
    scheme=https options=(--cacert "$files/trust/ca.crt")
    login=$(jq -r '.auths[].auth' "$files/credentials/auth.json" | base64 -d)
    token=$(curl -sS "${options[@]}" -u "$login" -G "$scheme://$host/token" -d "service=$host" \
      -d "scope=repository:$repository:pull,push" | jq -r .token)
    options+=(-H "Authorization: Bearer $token")
  fi
  curl -sS "${options[@]}" "$@" "$scheme://$host/v2/$repository/$path"
}

# Each digest that a client has told is that of what the registry serves under the tag.
hold_digests() { # SESSION HOST [FILES]
  local client what ref digest served held=0
  while read -r client what ref digest; do
    served=$(ask "$2" "${3:-}" "${ref%:*}" "manifests/${ref##*:}" -H "Accept: $types" | sha256sum)
    [ "$digest" = "sha256:${served%% *}" ] ||
      fail "$1: $client $what: $ref is $digest there, sha256:${served%% *} here"
    held=$((held + 1))
  done < <(grep -E ' [a-z0-9/-]+:[a-z]+ (sha256:[0-9a-f]{64}|none)$' "$scratch/$1.out")
  [ "$held" -ge $((3 * ${#clients[@]})) ] || fail "$1: only $held digests were told"
}

# ---- referrers, as a client has to do it ---------------------------------------------------------

referrers_type=application/vnd.oci.image.index.v1+json

# What refers to DIGEST: the registry's own listing, or the index under the digest's tag.
referrers() { # HOST FILES REPOSITORY DIGEST
  local status
  status=$(ask "$1" "$2" "$3" "referrers/$4" -o "$scratch/referrers" -w '%{http_code}')
  if [ "$status" = 404 ]; then
    status=$(ask "$1" "$2" "$3" "manifests/${4/:/-}" -o "$scratch/referrers" -w '%{http_code}' \
      -H "Accept: $referrers_type")
    [ "$status" = 200 ] || echo '{"manifests": []}' >"$scratch/referrers"
  fi
  jq -cS '[.manifests[] | {digest, size, artifactType, annotations}] | sort_by(.digest)' \
    "$scratch/referrers"
}

# Pushes a manifest that refers to DIGEST. Where the registry does not say that it has seen that, the
# index under the digest's tag is told of it.
attach() { # HOST FILES REPOSITORY DIGEST SIZE TYPE
  local empty manifest own entry
  empty=$(printf '{}' | sha256sum)
  empty=sha256:${empty%% *}
  local place
  place=$(ask "$1" "$2" "$3" blobs/uploads/ -X POST -D - -o "$scratch/null" |
    sed -nE 's/^[Ll]ocation: (https?:..[^/]*)?(.*)\r$/\2/p')
  case $place in *\?*) place+="&digest=$empty" ;; *) place+="?digest=$empty" ;; esac
  ask "$1" "$2" "$3" "${place#"/v2/$3/"}" -X PUT -d '{}' -H 'Content-Type: application/octet-stream'
  manifest=$(jq -cn --arg digest "$4" --argjson size "$5" --arg type "$6" --arg empty "$empty" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: $type, config: {mediaType: "application/vnd.oci.empty.v1+json",
      digest: $empty, size: 2}, layers: [], annotations: {of: $type},
      subject: {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest,
      size: $size}}')
  own=$(printf %s "$manifest" | sha256sum)
  own=sha256:${own%% *}
  ask "$1" "$2" "$3" "manifests/$own" -X PUT -d "$manifest" -D "$scratch/head" \
    -H 'Content-Type: application/vnd.oci.image.manifest.v1+json'
  if grep -qix "oci-subject: $4."  "$scratch/head"; then return; fi
  entry=$(jq -cn --arg own "$own" --argjson size "${#manifest}" --arg type "$6" '{digest: $own,
    size: $size, artifactType: $type, annotations: {of: $type},
    mediaType: "application/vnd.oci.image.manifest.v1+json"}')
  referrers "$1" "$2" "$3" "$4" >"$scratch/null"
  jq -c --argjson entry "$entry" --arg type "$referrers_type" \
    '{schemaVersion: 2, mediaType: $type, manifests: (.manifests + [$entry])}' \
    "$scratch/referrers" >"$scratch/index"
  ask "$1" "$2" "$3" "manifests/${4/:/-}" -X PUT --data-binary "@$scratch/index" \
    -H "Content-Type: $referrers_type"
}

hold_referrers() { # SESSION HOST [FILES]
  local digest type
  digest=$(jq -r '.manifests[] | select(.annotations[] == "agent") | .digest' \
    "$scratch/layout/index.json")
  for type in application/vnd.example.signature application/vnd.example.sbom; do
    attach "$2" "${3:-}" skopeo/agent "$digest" 559 "$type"
  done
  referrers "$2" "${3:-}" skopeo/agent "$digest" >"$scratch/$1.referrers"
  jq -e '[.[].artifactType] | sort == ["application/vnd.example.sbom",
    "application/vnd.example.signature"]' "$scratch/$1.referrers" >"$scratch/null" ||
    fail "$1: referrers: $(cat "$scratch/$1.referrers")"
}

# ---- Docker's own registry -----------------------------------------------------------------------

# CLIENT METHOD PATH STATUS of each request, in the order of the alphabet; what a registry names as it
# likes is left out.
plain_requests() {
  sed -E 's#uploads/[0-9a-f-]{30,}#uploads/ID#; s#\?[^ ]*##; s#sha256%3A#sha256:#g' | sort
}
asked_of_us() { # HISTORY
  jq -rs '(map(select(.event == "response") | {key: "\(.connection)/\(.request)", value: .status})
      | from_entries) as $status
    | .[] | select(.event == "request" and .method != null and (."user-agent" // "" |
      test("^curl") | not))
    | "\(."user-agent" | split("[/ ]"; null)[0]) \(.method) \(.path) \($status["\(.connection)/\(.ordinal)"])"' \
    "$1" | plain_requests
}
asked_of_docker() { # ACCESS-LOG
  sed -nE 's/^[^"]*"([A-Z]+) ([^ ]+) HTTP[^"]*" ([0-9]+) [0-9]+ "[^"]*" "([^"/ ]*).*/\4 \1 \2 \3/p' \
    "$1" | grep -v '^curl ' | plain_requests
}

# ---- the sessions --------------------------------------------------------------------------------

expected() { # SESSION: what must have failed, has, and nothing else
  local got
  got=$(grep -E ' exit [0-9]+$' "$scratch/$1.out" | grep -v ' exit 0$')
  [ "$got" = "$(cat "$scratch/must-fail")" ] || {
    fail "$1: other steps failed than should have:"
    echo "$got" | diff "$scratch/must-fail" - | sed 's/^/    /'
    cat "$scratch/$1".*.err | head -n 60 | sed 's/^/    /'
  }
}
for client in "${clients[@]}"; do
  case $client in
    skopeo) printf 'skopeo %s exit 1\n' deleted delete-missing ;;
    docker | ctr) echo "$client pull-missing exit 1" ;;
  esac
done >"$scratch/must-fail"

have_docker=yes sessions=()
command -v docker-registry >"$scratch/null" || have_docker=
serve_begin memory --record "$scratch/memory.jsonl" &&
  serve_begin disk --store "$scratch/store" --tls --auth token --files "$scratch/disk" || finish
if [ -n "$have_docker" ]; then
  docker_begin beside || finish
  session docker "${docker_host[beside]}" yes &
  sessions+=($!)
fi
session memory "${serve_host[memory]}" yes &
sessions+=($!)
session disk "${serve_host[disk]}" no "$scratch/disk" &
sessions+=($!)
wait "${sessions[@]}"

hold() { # SESSION HOST [FILES]
  expected "$@"
  hold_digests "$@"
  hold_referrers "$@"
}
hold memory "${serve_host[memory]}"
hold disk "${serve_host[disk]}" "$scratch/disk"
serve_end memory
serve_end disk
[ -n "$have_docker" ] || {
  echo "skip: docker-registry beside it: it is not installed"
  finish
}
hold docker "${docker_host[beside]}"
docker_end beside
diff "$scratch/docker.out" "$scratch/memory.out" >"$scratch/diff" || {
  fail "the clients' steps end in other ways (<: Docker's registry)"
  sed 's/^/    /' "$scratch/diff"
}
cmp -s "$scratch/docker.referrers" "$scratch/memory.referrers" || fail "the referrers are others"
asked_of_us "$scratch/memory.jsonl" >"$scratch/ours"
asked_of_docker "$scratch/docker.beside.asked" >"$scratch/theirs"
[ "$(wc -l <"$scratch/ours")" -ge $((30 * ${#clients[@]})) ] || fail "too few requests to compare"
diff "$scratch/theirs" "$scratch/ours" >"$scratch/diff" || {
  fail "the clients ask for other things, or are told others (<: of Docker's registry)"
  head -n 30 "$scratch/diff" | sed 's/^/    /'
}
finish

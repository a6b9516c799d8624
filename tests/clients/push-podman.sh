# podman: what it was given or built is pushed, pushed in other forms, and pulled again; and a list
# of manifests.
. tests/clients/push.sh
verify=true
[ "$plain" = no ] || verify=false
push() { # IMAGE REF OPTION...: what it says that it pushed is told
  engine push --quiet --tls-verify="$verify" --signature-policy "$config/policy.json" \
    --digestfile "$short/pushed" "${@:3}" "$1" "docker://$host/$2"
}

configure
try load engine pull --quiet --signature-policy "$config/policy.json" "oci:$short/layout:agent"
image=$(engine images --quiet --no-trunc | head -n 1)
try push push "$image" podman/agent:one
tell push podman/agent:one "$(cat "$state/pushed")"
try again push "$image" podman/agent:two
tell again podman/agent:two "$(cat "$state/pushed")"
try other push "$image" podman/copy:one
tell other podman/copy:one "$(cat "$state/pushed")"
try schema-2 push "$image" podman/docker:one --format v2s2
tell schema-2 podman/docker:one "$(cat "$state/pushed")"
try zstd push "$image" podman/zstd:one --compression-format zstd
tell zstd podman/zstd:one "$(cat "$state/pushed")"
try list engine manifest create list:one
try list-add engine manifest add --tls-verify="$verify" list:one "docker://$host/podman/agent:one"
try list-push engine manifest push --all --tls-verify="$verify" --digestfile "$short/pushed" list:one \
  "docker://$host/podman/list:one"
tell list-push podman/list:one "$(cat "$state/pushed")"
forget
try pull engine pull --quiet --tls-verify="$verify" --signature-policy "$config/policy.json" \
  "$host/podman/agent:one"
tell pull podman/agent:one "$(engine image inspect --format '{{.Digest}}' "$host/podman/agent:one")"
try pull-zstd engine pull --quiet --tls-verify="$verify" --signature-policy "$config/policy.json" \
  "$host/podman/zstd:one"

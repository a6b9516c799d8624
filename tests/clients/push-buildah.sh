# buildah: what it builds on an image is committed and pushed, and is the ground of another build.
. tests/clients/push.sh
verify=true
[ "$plain" = no ] || verify=false
push() { # IMAGE REF OPTION...
  engine push --quiet --tls-verify="$verify" --signature-policy "$config/policy.json" \
    --digestfile "$short/pushed" "${@:3}" "$1" "docker://$host/$2"
}

configure
export BUILDAH_ISOLATION=chroot
try ground engine pull --quiet --signature-policy "$config/policy.json" "oci:$short/layout:agent"
ground=$(engine images --quiet --no-trunc | head -n 1)
try from engine from --name built --pull-never "$ground"
try change engine config --label said=yes --created-by nobody built
try commit engine commit --quiet --timestamp 0 --signature-policy "$config/policy.json" built built:one
try push push built:one buildah/agent:one
tell push buildah/agent:one "$(cat "$state/pushed")"
try schema-2 push built:one buildah/docker:one --format v2s2
tell schema-2 buildah/docker:one "$(cat "$state/pushed")"
forget
try pull engine pull --quiet --tls-verify="$verify" --signature-policy "$config/policy.json" \
  "$host/buildah/agent:one"
tell pull buildah/agent:one "$(engine inspect --type image --format '{{.FromImageDigest}}' \
  "$host/buildah/agent:one")"

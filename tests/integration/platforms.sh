#!/usr/bin/env bash
# An image of two platforms: build-start and the clients people use take their platform from the
# index, or all of them, and their starts work by the index's digest as by their manifest's. A
# client that is not installed here is passed over, and said so.
. tests/lib/small.sh

cat >"$scratch/claim.sh" <<'S'
# claim DIGEST [LAYOUT]: what the start says it has.
claim() {
  printf '{"digest": "%s"%s}' "$1" "${2:+, \"layout\": \"$2\"}" >"$PULLDRILL_RESULT"
}
set -euo pipefail
cd "$PULLDRILL_START_DIR"
ref=$PULLDRILL_REGISTRY_PRIMARY/$PULLDRILL_IMAGE_AGENT
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.json
S

# start WANTED-EXIT NAME [PROGRAM]: the script on stdin is the subject; two starts are drilled.
start() {
  local name=$2 program=${3:-bash}
  command -v "$program" >"$scratch/null" || {
    echo "skip: $name: no $program here"
    return 1
  }
  cat "$scratch/claim.sh" - >"$scratch/$name.sh"
  scenario '{version, title, registries: {primary: {}}, faults: {},
    images: {agent: {ref: "ci/agent:stable", layers: ["64KiB", "100KiB"],
      labels: {"org.pulldrill.interface": "2"}, platforms: ["linux/arm64/v8", "linux/amd64"]}},
    subjects: {machine: {command: ["bash", "'"$scratch/$name.sh"'"]}},
    phases: [{name: "steady", starts: 2}],
    expect: [{check: "starts-succeed"}, {check: "same-digest", image: "agent"},
      {check: "same-digest", by: "config", name: "same-config"}]}'
  run "$1" "$name"
}

# The platform of the manifest that start 1 was told of by digest, by its place in the plan.
platform() { # WANTED WHAT
  local got
  got=$(jq -rs '.[0].plan.images[0].manifests as $listed |
    [.[] | select(.event == "response" and .start == 1 and .digest != null) | .digest] as $told |
    [$listed[] | select(.digest as $d | $told | index($d)) | .platform] | join(" ")' "$history")
  [ "$got" = "$1" ] || fail "$2: took '$got', not '$1'"
}

build_start=$(dirname "$PULLDRILL")/subjects/build-start
case $(uname -m) in
  x86_64) host=linux/amd64 ;;
  aarch64) host=linux/arm64/v8 ;;
  *) host= ;;
esac

start 0 build-start-arm64 <<S && platform linux/arm64/v8 build-start
'$build_start' --platform linux/arm64 "\$PULLDRILL_IMAGE_AGENT"
S
start 2 build-start-riscv64 <<S
'$build_start' --platform linux/riscv64 "\$PULLDRILL_IMAGE_AGENT"
S
[ -z "$host" ] || { start 0 build-start <<S && platform $host build-start; }
'$build_start' "\$PULLDRILL_IMAGE_AGENT"
S
start 0 skopeo skopeo <<'S' && { [ -z "$host" ] || platform "$host" skopeo; }
skopeo --policy policy.json copy -q --src-tls-verify=false "docker://$ref" oci:layout:agent
claim "$PULLDRILL_IMAGE_AGENT_DIGEST" layout
S
start 0 skopeo-all skopeo <<'S' && platform 'linux/arm64/v8 linux/amd64' skopeo-all
skopeo --policy policy.json copy -q --all --src-tls-verify=false "docker://$ref" oci:layout:agent
claim "$PULLDRILL_IMAGE_AGENT_DIGEST" layout
S
start 1 skopeo-broken skopeo <<'S' && expect_text "$scratch/out" 'holds other bytes' skopeo-broken
skopeo --policy policy.json copy -q --all --src-tls-verify=false "docker://$ref" oci:layout:agent
largest=$(ls -S layout/blobs/sha256 | head -n 1)
printf altered | dd of="layout/blobs/sha256/$largest" bs=1 seek=100 conv=notrunc status=none
claim "$PULLDRILL_IMAGE_AGENT_DIGEST" layout
S

[ "$(id -u)" = 0 ] || {
  echo "skip: podman needs root here"
  finish
}
start 0 podman podman <<'S' && { [ -z "$host" ] || platform "$host" podman; }
engine="podman --root $PWD/root --runroot $PWD/run --tmpdir $PWD/tmp --storage-driver vfs"
$engine pull -q --tls-verify=false --signature-policy policy.json "$ref"
claim "$($engine image inspect --format '{{.Digest}}' "$ref")"
S

finish

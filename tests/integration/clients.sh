#!/usr/bin/env bash
# The clients people use take the fakes for registries: each pulls the image, the agent in it runs,
# and the start worked. A client that is not installed here is passed over, and said so.
. tests/lib/check.sh
export POLICY=$scratch/policy.json
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$POLICY"
cat >"$scratch/begin.sh" <<'S'
set -euo pipefail
cd "$PULLDRILL_START_DIR"
digest=$PULLDRILL_IMAGE_AGENT_DIGEST ref=$PULLDRILL_REGISTRY_PRIMARY/$PULLDRILL_IMAGE_AGENT
S

# client NAME PROGRAM...: the script on stdin is one start; its last line of output must be the
# agent's version.
client() {
  local name=$1 program
  shift
  for program; do
    command -v "$program" >"$scratch/null" || {
      echo "skip: $name: no $program here"
      return
    }
  done
  cat "$scratch/begin.sh" - >"$scratch/$name.sh"
  expect_exit 0 "$name" "$PULLDRILL" try --timeout 120s -- bash "$scratch/$name.sh" || return
  expect_text "$scratch/out" '^worked after' "$name"
  expect_text "$scratch/out" '^agent [0-9]' "$name: the agent of the image runs"
}

client skopeo skopeo jq <<'S'
copy="skopeo --policy $POLICY copy -q --src-tls-verify=false docker://$ref"
$copy "oci:layout:agent"
$copy "dir:flat"
$copy "docker-archive:archive.tar:agent:1"
[ "$(jq -r .manifests[0].digest layout/index.json)" = "$digest" ]
[ "$(skopeo inspect --tls-verify=false "docker://$ref" | jq -r .Digest)" = "$digest" ]
[ "$(skopeo list-tags --tls-verify=false "docker://${ref%:*}" | jq -c .Tags)" = '["stable"]' ]
for layer in $(jq -r '.layers[].digest' flat/manifest.json); do
  tar -xzf "flat/${layer#*:}"
done
usr/local/bin/agent --version
S

[ "$(id -u)" = 0 ] || {
  echo "skip: the container engines need root"
  finish
}

client podman podman <<'S'
engine="podman --root $PWD/root --runroot $PWD/run --tmpdir $PWD/tmp --storage-driver vfs"
$engine pull -q --tls-verify=false --signature-policy "$POLICY" "$ref"
[ "$($engine image inspect --format '{{.Digest}}' "$ref")" = "$digest" ]
"$($engine image mount "$ref")/usr/local/bin/agent" --version
S

client buildah buildah <<'S'
engine="buildah --root $PWD/root --runroot $PWD/run --storage-driver vfs"
container=$($engine from --tls-verify=false --signature-policy "$POLICY" "$ref")
"$($engine mount "$container")/usr/local/bin/agent" --version
S

client containerd containerd ctr <<'S'
printf 'version = 2\nroot = "%s/root"\nstate = "%s/state"\n' "$PWD" "$PWD" >config.toml
printf 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >>config.toml
printf '[grpc]\naddress = "%s/c.sock"\n' "$PWD" >>config.toml
containerd --config config.toml >log 2>&1 &
until ctr -a c.sock version >log 2>&1; do kill -0 $!; done
ctr -a c.sock images pull --plain-http --snapshotter native "$ref" >log
cat root/io.containerd.snapshotter.v1.native/snapshots/*/usr/local/bin/agent >agent
chmod +x agent
./agent --version
S

client docker dockerd docker <<'S'
dockerd --data-root "$PWD/root" --exec-root "$PWD/exec" --pidfile "$PWD/pid" \
  --host "unix://$PWD/d.sock" --storage-driver vfs --bridge=none --iptables=false \
  --ip6tables=false >log 2>&1 &
export DOCKER_HOST=unix://$PWD/d.sock
until docker version >log.client 2>&1; do kill -0 $!; done
docker pull -q "$ref"
docker export "$(docker create --network none "$ref")" | tar -x usr/local/bin/agent
usr/local/bin/agent --version
S
finish

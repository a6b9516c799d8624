# docker: pushes, a second repository whose layers are mounted from the first, a list, and pulls.
. tests/clients/push.sh
export DOCKER_CLI_EXPERIMENTAL=enabled
mkdir -p "$state/cli"
[ -z "${PUSH_DOCKER_CONFIG:-}" ] || cp "$PUSH_DOCKER_CONFIG/config.json" "$state/cli/config.json"
export DOCKER_CONFIG=$state/cli
push() { # REF: what it says that it pushed is told
  docker push "$host/$1" >"$state/push.out" 2>&1 || {
    tail -n 3 "$state/push.out" >&2
    return 1
  }
  cat "$state/push.out"
}
pushed() {
  grep -oE 'digest: sha256:[0-9a-f]{64}' "$state/push.out" | cut -d' ' -f2
}

try load docker pull --quiet "$PUSH_SOURCE/ci/agent:one"
for ref in docker/agent:one docker/agent:two docker/copy:one; do
  docker tag "$PUSH_SOURCE/ci/agent:one" "$host/$ref"
done
try push push docker/agent:one
tell push docker/agent:one "$(pushed)"
try again push docker/agent:two
tell again docker/agent:two "$(pushed)"
try mount push docker/copy:one
tell mount docker/copy:one "$(pushed)"
echo "mounted $(grep -cE 'Mounted from docker/agent' "$state/push.out")"
# Over TLS its commands for lists speak plain HTTP to a loopback address all the same.
if [ "$plain" = yes ]; then
  try list docker manifest create --insecure "$host/docker/list:one" "$host/docker/agent:one"
  try list-push docker manifest push --insecure "$host/docker/list:one"
  tell list-push docker/list:one "$(grep -oE 'sha256:[0-9a-f]{64}' "$state/step.out" | tail -n 1)"
fi
prepare
try pull docker pull --quiet "$host/docker/agent:one"
tell pull docker/agent:one "$(docker image inspect --format '{{index .RepoDigests 0}}' \
  "$host/docker/agent:one" | cut -d@ -f2)"
[ "$plain" = no ] || try pull-list docker pull --quiet "$host/docker/list:one"
try pull-missing docker pull --quiet "$host/docker/agent:none"

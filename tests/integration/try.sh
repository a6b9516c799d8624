#!/usr/bin/env bash
# `try`: one start of one's own command, told registries' addresses or asking for them by name; what
# it prints, its exit codes, and what it says of options that do not go together.
. tests/lib/check.sh

# Pulls codeship/agent:stable from the registry at the URL $1, with what curl is told behind it.
cat >"$scratch/pull.sh" <<'PULL'
base=$1/v2/codeship/agent
shift
get() { curl -sSf "$@"; }
get "$@" -o "$PULLDRILL_START_DIR/manifest" "$base/manifests/stable" || exit 1
for digest in $(grep -oE 'sha256:[0-9a-f]{64}' "$PULLDRILL_START_DIR/manifest"); do
  get "$@" -o "$PULLDRILL_START_DIR/blob" "$base/blobs/$digest" || exit 1
done
PULL
try() { # EXIT WHAT OPTION... -- COMMAND...
  local wanted=$1 what=$2
  shift 2
  expect_exit "$wanted" "$what" "$PULLDRILL" try --image codeship/agent:stable "$@"
}

# Told by its environment; both registries are there.
try 0 "told" -- sh -c 'sh "$0" "$PULLDRILL_REGISTRY_FAILOVER_URL"' "$scratch/pull.sh"
expect_text "$scratch/out" 'failover  GET  /v2/codeship/agent/manifests/stable -> 200, ' "a request"
expect_text "$scratch/out" '^worked after .*, 4 requests$' "the last line"
try 1 "a command that pulls nothing" -- true
expect_text "$scratch/out" '^wrong after .*, 0 requests: exit 0, but ' "why it is wrong"

try 4 "an image with its host" --primary quay.io --image quay.io/ci/agent:1 -- true
expect_text "$scratch/err" 'is given already; write --image ci/agent:1$' "the reference without it"

try 1 "a command that is not there" -- "$scratch/no-such"
expect_text "$scratch/out" '^the command could not be started: No such file' "why it did not start"
expect_text "$scratch/out" '^failed after [^:]*, 0 requests$' "no exit code of what never ran"

# A credential of the drill's own: asked for, given, and never printed.
try 0 "basic" --auth basic -- sh -c 'sh "$0" "$PULLDRILL_REGISTRY_PRIMARY_URL" \
  -u "$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD" && env | grep _REGISTRY_' \
  "$scratch/pull.sh"
expect_text "$scratch/out" '^PULLDRILL_REGISTRY_PRIMARY_PASSWORD=\*\*\*$' "a password is not shown"
try 1 "no credential" --auth basic -- sh -c 'sh "$0" "$PULLDRILL_REGISTRY_PRIMARY_URL"' \
  "$scratch/pull.sh"
expect_text "$scratch/out" 'manifests/stable -> 401, ' "a request without a credential"

# By names, where this machine has what they need.
"$PULLDRILL" try --primary quay.io -- true >"$scratch/out" 2>&1
if [ $? != 77 ]; then
  try 0 "names" --primary quay.io --failover public.ecr.aws -- sh "$scratch/pull.sh" \
    https://public.ecr.aws
  expect_text "$scratch/out" 'failover  look up public\.ecr\.aws A -> 198\.18\.' "a look-up"
  expect_text "$scratch/out" \
    'failover  GET  public\.ecr\.aws/v2/codeship/agent/manifests/stable -> 200, ' "a named request"
  try 1 "a name that nobody plays" --primary quay.io -- sh "$scratch/pull.sh" https://public.ecr.aws
  expect_text "$scratch/out" ' look up public\.ecr\.aws A -> refused, for nobody plays it$' \
    "a refused look-up"
  try 1 "a token is asked for" --primary quay.io --auth token -- sh "$scratch/pull.sh" \
    https://quay.io
  expect_text "$scratch/out" 'primary   GET  quay\.io/v2/.* -> 401, ' "a request without a token"
  # As anybody gets one.
  try 0 "a token" --primary quay.io --auth token -- sh -c 'token=$(curl -sSf \
    "https://quay.io/token?service=quay.io&scope=repository:codeship/agent:pull" | jq -r .token)
    sh "$0" https://quay.io -H "Authorization: Bearer $token"' "$scratch/pull.sh"
else
  echo "skipped: $(sed -n 's/^skipped: //p' "$scratch/out")"
fi
if unshare -U -r true 2>"$scratch/null"; then
  expect_exit 77 "without namespaces" unshare -U -r bash -c 'for kind in user net mnt; do
    echo 0 >/proc/sys/user/max_${kind}_namespaces; done
    exec "$0" try --primary quay.io -- true' "$PULLDRILL"
  expect_text "$scratch/out" '^skipped: .*needs root or user namespaces' "why it was skipped"
fi

# What is wrong with the options is said of the options.
wrong() { # PATTERN OPTION...
  local pattern=$1
  shift
  try 4 "$*" "$@" -- true
  expect_text "$scratch/err" "^pulldrill: $pattern" "$*"
}
wrong 'try: "quay\.io:443" is no host name; ' --primary quay.io:443
wrong 'try: "quay\.io" is played by registry "primary" already' --primary quay.io \
  --failover quay.io
wrong '--failover quay\.io: and the primary' --failover quay.io
wrong '--primary quay\.io and --listen 127\.0\.0\.1: ' --primary quay.io --listen 127.0.0.1
wrong '--auth bearer: none, basic or token' --auth bearer
wrong 'try: "timeout": "5x" is no duration' --timeout 5x
expect_exit 4 "no command" "$PULLDRILL" try --primary quay.io
finish

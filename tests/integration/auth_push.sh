#!/usr/bin/env bash
# Writes to registries that ask for credentials: what a token must allow, request by request with
# curl, then a real client.
. tests/lib/small.sh

# ---- each write, as the wire has it -----------------------------------------------------------
cat >"$scratch/writes.sh" <<'S'
set -u
cd "$PULLDRILL_START_DIR"
ask() {
  local name=$1
  shift
  echo "$name $(curl -s --noproxy '*' -o body -D head -w '%{http_code}' "$@")"
}
value() { sed -n "s/^$1: \(.*\)\r\$/\1/Ip" head | tail -n 1; }
scope() { value WWW-Authenticate | grep -o 'scope="[^"]*"'; }
primary=$PULLDRILL_REGISTRY_PRIMARY_URL failover=$PULLDRILL_REGISTRY_FAILOVER_URL
me=$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD
also=$PULLDRILL_REGISTRY_FAILOVER_USER:$PULLDRILL_REGISTRY_FAILOVER_PASSWORD
token() { # SCOPE [CURL-OPTION...]
  local scope=$1
  shift
  curl -s --noproxy '*' "$@" "$primary/token?scope=$scope" |
    sed -E 's/.*"access_token":"([^"]*)".*/Authorization: Bearer \1/'
}
pulls=$(token repository:ci/agent:pull -u "$me")
nobody=$(token repository:ci/agent:pull,push)
pushes=$(token repository:ci/copy:pull,push -u "$me")
both=$(token "repository:ci/copy:pull,push%20repository:ci/agent:pull" -u "$me")
deletes=$(token repository:ci/copy:delete -u "$me")
uploads=v2/ci/copy/blobs/uploads/
data=sha256:$(printf hello | sha256sum | cut -d ' ' -f 1)

ask manifest -H "$pulls" "$primary/v2/ci/agent/manifests/stable"
cp body manifest
layer=$(grep -oE 'sha256:[0-9a-f]{64}' manifest | tail -n 1)
ask begin-without -X POST "$primary/$uploads"
scope
ask mount-without -X POST "$primary/$uploads?mount=$layer&from=ci/agent"
scope
ask begin-by-nobody -X POST -H "$nobody" "$primary/v2/ci/agent/blobs/uploads/"
scope
ask begin -X POST -H "$pushes" "$primary/$uploads"
place=$(value Location)
[[ $place == http* ]] || place=$primary$place
ask chunk-of-another -X PATCH -H "$pulls" --data-binary hello "$place"
ask chunk -X PATCH -H "$pushes" --data-binary hello "$place"
ask finish -X PUT -H "$pushes" "$place?digest=$data"
ask blob -H "$pushes" "$primary/v2/ci/copy/blobs/$data"
ask mount-unseen -X POST -H "$pushes" "$primary/$uploads?mount=$layer&from=ci/agent"
scope
ask mount-from-anywhere -X POST -H "$pushes" "$primary/$uploads?mount=$layer"
ask mount -X POST -H "$both" "$primary/$uploads?mount=$layer&from=ci/agent"
type="Content-Type: application/vnd.oci.image.index.v1+json"
printf '{"schemaVersion":2,"manifests":[]}' >index
ask tag -X PUT -H "$type" -H "$pushes" --data-binary @index "$primary/v2/ci/copy/manifests/new"
ask large-without -X PUT -H "$type" -H "Expect:" --data-binary @/bin/bash \
  "$primary/v2/ci/copy/manifests/new"
ask large-asks -X PUT -H "$type" -H "Expect: 100-continue" --data-binary @/bin/bash \
  "$primary/v2/ci/copy/manifests/new"
ask delete-by-a-pusher -X DELETE -H "$pushes" "$primary/v2/ci/copy/manifests/new"
scope
ask delete -X DELETE -H "$deletes" "$primary/v2/ci/copy/manifests/new"

ask basic-pull "$failover/v2/ci/agent/manifests/stable"
ask basic-without -X POST "$failover/$uploads"
value WWW-Authenticate | cut -d ' ' -f 1
ask basic -u "$also" -X POST "$failover/$uploads?digest=$data" --data-binary hello
ask basic-mount -u "$also" -X POST "$failover/$uploads?mount=$layer&from=ci/agent"
ask basic-delete-without -X DELETE "$failover/v2/ci/copy/blobs/$data"
ask basic-delete -u "$also" -X DELETE "$failover/v2/ci/copy/blobs/$data"
exit 1
S
scenario '.registries = {"primary": {"auth": {"type": "token", "anonymous": true}},
    "failover": {"auth": {"type": "basic", "anonymous": true}}}
  | .phases = [{"name": "steady", "starts": 1}] | del(.faults) | del(.expect)
  | .subjects.puller.command = ["bash", "'"$scratch"'/writes.sh"]'
run 2 "the writes"
cat >"$scratch/wanted" <<'S'
manifest 200
begin-without 401
scope="repository:ci/copy:pull,push"
mount-without 401
scope="repository:ci/agent:pull repository:ci/copy:pull,push"
begin-by-nobody 401
scope="repository:ci/agent:pull,push"
begin 202
chunk-of-another 401
chunk 202
finish 201
blob 200
mount-unseen 401
scope="repository:ci/agent:pull repository:ci/copy:pull,push"
mount-from-anywhere 202
mount 201
tag 201
large-without 401
large-asks 401
delete-by-a-pusher 401
scope="repository:ci/copy:delete"
delete 202
basic-pull 200
basic-without 401
Basic
basic 201
basic-mount 201
basic-delete-without 401
basic-delete 202
S
diff -u "$scratch/wanted" "$scratch"/results/*/starts/1.txt || fail "the writes went otherwise"

# What came, and what it brought in, is in the history.
holds 'map(select(.event == "response" and .start == 1 and .stored != null)) | length == 5' \
  "what was stored"
holds 'map(select(.event == "response" and .received == 5)) | length == 3' "what was received"

# ---- a real client ----------------------------------------------------------------------------
command -v skopeo >"$scratch/null" || {
  echo "skip: no skopeo here"
  finish
}
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$scratch/policy.json"
cat >"$scratch/push.sh" <<S
set -eu
copy() { skopeo --policy $scratch/policy.json copy -q "\$@"; }
cd "\$PULLDRILL_START_DIR"
copy --src-tls-verify=false "docker://\$PULLDRILL_REGISTRY_PRIMARY/\$PULLDRILL_IMAGE_AGENT" dir:one
for registry in "\$PULLDRILL_REGISTRY_PRIMARY" "\$PULLDRILL_REGISTRY_FAILOVER"; do
  to=docker://\$registry/ci/copy-\$PULLDRILL_START_ID:new
  ! copy --dest-no-creds --dest-tls-verify=false dir:one "\$to" 2>refused
  grep -qi 'denied\|unauthorized' refused || { cat refused; exit 1; }
  copy --dest-tls-verify=false dir:one "\$to"
  copy --src-tls-verify=false "\$to" "dir:back-\$registry"
  cmp one/manifest.json "back-\$registry/manifest.json"
done
S
scenario '.registries = {"primary": {"auth": "token"}, "failover": {"auth": "basic"}}
  | .phases = [{"name": "steady", "starts": 2}] | del(.faults)
  | .expect = [{"check": "starts-succeed"},
      {"check": "requests", "registry": "primary", "op": "manifest-put", "min": 2, "max": 2},
      {"check": "requests", "registry": "primary", "op": "upload-finish", "min": 2}]
  | .subjects.puller.command = ["bash", "'"$scratch"'/push.sh"]
  | .subjects.puller.timeout = "60s"'
run 0 "skopeo pushes"

# ---- the same client where the primary takes no pushes ----------------------------------------
# It falls back to the failover with that one's own credential; or, MISTAKEN, with an auth file that
# has the primary's for both, which each kind of registry is shown in its own way.
cat >"$scratch/fall-back.sh" <<S
set -u
copy() { skopeo --policy $scratch/policy.json copy -q "\$@"; }
cd "\$PULLDRILL_START_DIR"
copy --src-tls-verify=false "docker://\$PULLDRILL_REGISTRY_PRIMARY/\$PULLDRILL_IMAGE_AGENT" dir:one ||
  exit 1
[ "\$1" = careful ] || {
  jq --arg from "\$PULLDRILL_REGISTRY_PRIMARY" --arg to "\$PULLDRILL_REGISTRY_FAILOVER" \
    '.auths[\$to] = .auths[\$from]' "\$REGISTRY_AUTH_FILE" >auth.json || exit 1
  export REGISTRY_AUTH_FILE=\$PWD/auth.json
}
to=ci/copy-\$PULLDRILL_START_ID:new
copy --dest-tls-verify=false dir:one "docker://\$PULLDRILL_REGISTRY_PRIMARY/\$to" ||
  copy --dest-tls-verify=false dir:one "docker://\$PULLDRILL_REGISTRY_FAILOVER/\$to"
S
fall_back() { # PRIMARY FAILOVER WHO: how each of them asks, and who pushes
  scenario '.registries = {"primary": {"auth": "'"$1"'"}, "failover": {"auth": "'"$2"'"}}
    | .faults = {"no-pushes": {"on": "primary", "kind": "status", "code": 503,
        "match": {"op": "upload-start"}}}
    | .phases = [{"name": "steady", "starts": 1},
        {"name": "outage", "starts": 1, "faults": ["no-pushes"]}]
    | .subjects.puller.command = ["bash", "'"$scratch/fall-back.sh"'", "'"$3"'"]'
}
no_leak() { # VERDICT WHAT PATTERN: over what it found
  jq -r '.checks[] | select(.check == "no-leak" and .verdict == "'"$1"'") | .actual, .reasons[]' \
    "$journal" >"$scratch/no-leak"
  expect_text "$scratch/no-leak" "$3" "$2"
}
for how in "basic token" "token basic"; do
  fall_back $how careful
  run 0 "skopeo falls back with its own ($how)"
  no_leak pass "its own ($how)" '^[0-9]+ requests carried a credential, each to where it belongs$'
  holds 'map(select(.event == "request" and .registry == "failover" and .op == "manifest-put"
    and .credential == "own")) | length == 1' "the push that fell back ($how)"
  fall_back $how mistaken
  run 1 "skopeo falls back with the primary's ($how)"
  no_leak fail "the primary's ($how)" "^start 2 sent primary's credential to failover\$"
done
finish

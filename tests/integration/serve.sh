#!/usr/bin/env bash
# `serve`: who listens where and how that is told, what it holds, pushes and pulls, TLS and
# credentials, its end by signals, its store after kill -9, its history judged, its complaints.
. tests/lib/check.sh
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
mkfifo "$scratch/fifo"

# begin OPTION...: serves until `stop`; $primary is the address of the first line. False: it ended.
begin() {
  local line=
  rm -f "$scratch/told" "$scratch/ready"
  : >"$scratch/said"
  "$PULLDRILL" serve "$@" --ready-file "$scratch/ready" >"$scratch/fifo" 2>"$scratch/told" &
  server=$!
  while [ "$line" != ready ]; do
    if ! read -r line; then
      fail "serve $* did not begin"
      sed 's/^/    /' "$scratch/told"
      return 1
    fi
    echo "$line" >>"$scratch/said"
  done <"$scratch/fifo"
  primary=$(sed -n '1s/.* //p' "$scratch/said")
}
stop() { # WANTED SIGNAL
  kill "-$2" "$server"
  wait "$server" 2>"$scratch/null"
  local status=$?
  [ "$status" = "$1" ] || fail "stopped by $2: exit $status, wanted $1: $(cat "$scratch/told")"
  if [ "$2" != KILL ] && [ -e "$scratch/ready" ]; then
    fail "the ready file outlives its registries"
  fi
}
file_of() { sed -n "s/^$1: //p" "$scratch/said"; } # ca, credentials
status_of() { curl -s -o "$scratch/body" -w '%{http_code}' --max-time 20 "$@"; }
expect_status() { # WANTED WHAT CURL-ARGUMENT...
  local wanted=$1 what=$2 status
  shift 2
  status=$(status_of "$@")
  [ "$status" = "$wanted" ] || fail "$what: HTTP $status, wanted $wanted: $(head -c 300 "$scratch/body")"
}
nothing_left() {
  [ -z "$(ls -A "$TMPDIR")" ] || fail "$1: left in TMPDIR: $(ls -A "$TMPDIR")"
}
expect_exit 0 "its help" "$PULLDRILL" serve --help
expect_text "$scratch/out" '^ +--ready-file FILE ' "its help"

# Two registries, empty and writable; the ready file says the same as stdout.
begin --registry primary --registry failover
grep -v '^ready$' "$scratch/said" | cmp -s - "$scratch/ready" || fail "the ready file differs"
[ "$(sed 's/ .*//' "$scratch/ready" | tr '\n' ' ')" = "primary failover " ] || fail "other names"
failover=$(sed -n 's/^failover //p' "$scratch/ready")
expect_status 200 "a ping" "http://$failover/v2/"
printf 'a blob' >"$scratch/blob"
digest=sha256:$(sha256sum <"$scratch/blob" | cut -d' ' -f1)
where=$(curl -s -D - -o "$scratch/body" -X POST "http://$primary/v2/a/b/blobs/uploads/" |
  tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
expect_status 201 "a push" -X PUT --data-binary "@$scratch/blob" \
  -H 'Content-Type: application/octet-stream' "http://$primary$where?digest=$digest"
expect_status 200 "what was pushed" "http://$primary/v2/a/b/blobs/$digest"
cmp -s "$scratch/blob" "$scratch/body" || fail "another blob came back"
expect_status 404 "the other registry" "http://$failover/v2/a/b/blobs/$digest"
stop 0 TERM
[ "$(status_of "http://$primary/v2/")" = 000 ] || fail "it still listens"
nothing_left "plain registries"

# Real content, under its own name and under another; read-only; a chosen port, taken the second time.
cat >"$scratch/recipe.json" <<'END'
{"version": 1, "title": "Served", "seed": 3, "registries": {"primary": {}, "failover": {"names": ["quay.io"]}},
 "images": {"agent": {"ref": "ci/agent:stable", "layers": ["16MiB"]},
            "next": {"ref": "ci/agent:next", "on": [], "layers": ["4KiB"]}},
 "subjects": {"none": {"command": ["true"]}},
 "faults": {"broken": {"on": "primary", "kind": "status", "code": 503, "match": {"op": "manifest-get"}},
            "stalled": {"on": "primary", "kind": "stall", "after-bytes": 10, "match": {"op": "blob-get"}}},
 "phases": [{"name": "healthy", "starts": 1}, {"name": "outage", "starts": 1, "faults": ["broken"]},
            {"name": "stuck", "starts": 1, "faults": ["stalled"], "do": [{"publish": "next"}]}],
 "expect": [{"check": "requests", "registry": "primary", "op": "manifest-get", "min": 1},
            {"check": "requests", "name": "not-twice", "registry": "primary", "during": "outage", "max": 1},
            {"check": "requests", "name": "in-vain", "during": "stuck", "max": 1}]}
END
begin "$scratch/recipe.json"
expect_text "$scratch/told" 'names are not played here' "names are left out, and told"
curl -s -o "$scratch/manifest" "http://$primary/v2/ci/agent/manifests/stable"
config=$(jq -r .config.digest "$scratch/manifest")
layer=$(jq -r '.layers[0].digest' "$scratch/manifest")
top=sha256:$(sha256sum <"$scratch/manifest" | cut -d' ' -f1)
lay=$scratch/images/agent
mkdir -p "$lay/blobs/sha256"
for digest in "$config" "$layer"; do
  curl -s -o "$lay/blobs/sha256/${digest#*:}" "http://$primary/v2/ci/agent/blobs/$digest"
done
stop 0 INT
cp "$scratch/manifest" "$lay/blobs/sha256/${top#*:}"
echo '{"imageLayoutVersion":"1.0.0"}' >"$lay/oci-layout"
jq -n --arg digest "$top" --argjson size "$(stat -c %s "$scratch/manifest")" \
  --arg type "$(jq -r .mediaType "$scratch/manifest")" '{schemaVersion: 2, manifests: [{mediaType:
  $type, digest: $digest, size: $size, annotations: {"org.opencontainers.image.ref.name":
  "stable"}}]}' >"$lay/index.json"
begin --image "oci:$lay" --image "oci/y:z=oci:$lay:stable" --read-only --listen 127.0.0.1:0
expect_status 200 "under the name of its folder" "http://$primary/v2/agent/manifests/stable"
expect_status 200 "under another name" "http://$primary/v2/oci/y/manifests/$top"
expect_status 405 "a push to what is read-only" -X POST "http://$primary/v2/a/b/blobs/uploads/"
expect_exit 3 "a port that is taken" "$PULLDRILL" serve --listen "$primary"
expect_text "$scratch/err" "^pulldrill: registry primary: .*${primary#*:}" "which port is taken"
# In the middle of a transfer: it is finished, while nobody else is let in.
curl -s --limit-rate 8M -o "$scratch/slow" "http://$primary/v2/oci/y/blobs/$layer" &
client=$!
until [ -s "$scratch/slow" ]; do :; done
stop 0 TERM
wait "$client" || fail "the transfer under way was cut"
[ "sha256:$(sha256sum <"$scratch/slow" | cut -d' ' -f1)" = "$layer" ] || fail "other bytes came"
# A client that never reads: the second signal does not wait for it.
begin --image "oci:$lay"
exec 9<>"/dev/tcp/${primary%:*}/${primary#*:}"
printf 'GET /v2/agent/blobs/%s HTTP/1.1\r\nHost: x\r\n\r\n' "$layer" >&9
head -c 1 <&9 >"$scratch/null"
kill -TERM "$server"
while [ -e "$scratch/ready" ]; do :; done
kill -0 "$server" 2>"$scratch/null" || fail "it did not wait for the answer under way"
stop 0 TERM
exec 9>&-

# A ready file that a successor has put there meanwhile is the successor's.
begin
echo "primary 127.0.0.1:1" >"$scratch/next"
mv "$scratch/next" "$scratch/ready"
kill -TERM "$server"
wait "$server" || fail "it does not end where the ready file is another's"
[ "$(cat "$scratch/ready")" = "primary 127.0.0.1:1" ] || fail "it took a successor's ready file away"

# One that kill -9 left is gone before anything is opened, so that it says nothing of what does not
# listen yet, or never will.
begin
stop 137 KILL
[ -e "$scratch/ready" ] || fail "kill -9 leaves no ready file behind"
mkdir -p "$scratch/foreign/primary/other"
expect_exit 4 "a folder that is no store" \
  "$PULLDRILL" serve --store "$scratch/foreign" --ready-file "$scratch/ready"
[ ! -e "$scratch/ready" ] || fail "the ready file of another run says that this one listens"
nothing_left "a stale ready file"

# TLS and credentials: files that nobody else can read, nothing of them on stdout or in the history.
begin --registry primary --tls --auth token --files "$scratch/files" --record "$scratch/tls.jsonl"
ca=$(file_of ca)
credentials=$(file_of credentials)
expect_status 401 "no credential" --cacert "$ca" "https://$primary/v2/"
[ "$(stat -c %a "$credentials")" = 600 ] || fail "others can read the credentials"
login=$(jq -r --arg host "$primary" '.auths[$host].auth' "$credentials" | base64 -d)
token=$(curl -s --cacert "$ca" -u "$login" "https://$primary/token?service=$primary&scope=repository:a/b:pull,push" |
  jq -r .token)
expect_status 200 "with a token" --cacert "$ca" -H "Authorization: Bearer $token" \
  "https://$primary/v2/"
expect_status 202 "a push with a token" --cacert "$ca" -H "Authorization: Bearer $token" \
  -X POST "https://$primary/v2/a/b/blobs/uploads/"
stop 0 TERM
for secret in "${login#*:}" "$token"; do
  ! grep -qF "$secret" "$scratch/said" "$scratch/told" "$scratch/tls.jsonl" ||
    fail "a secret was told"
done
expect_exit 2 "nothing was expected" "$PULLDRILL" judge "$scratch/tls.jsonl"
expect_text "$scratch/out" 'why: nothing was expected: the registries were served' "and that is said"
expect_text "$scratch/out" '^pass +no-leak .*carried a credential, each to where' "no-leak is judged"
begin --auth basic
login=$(jq -r '.auths[].auth' "$(file_of credentials)" | base64 -d)
expect_status 200 "basic" -u "$login" "http://$primary/v2/"
stop 0 TERM
nothing_left "credentials without --files"

# Beyond one address clients are told a name, which the certificate and the realm hold, too.
begin --listen 0.0.0.0 --advertise localhost --tls --auth token
[[ $primary == localhost:* ]] || fail "the name is not told: $primary"
ca=$(file_of ca)
expect_status 401 "by the name" --cacert "$ca" -D "$scratch/head" "https://$primary/v2/"
expect_text "$scratch/head" "realm=\"https://$primary/token\"" "the realm"
stop 0 TERM

# A store outlives kill -9, and nobody else may open it meanwhile.
begin --registry primary --store "$scratch/store"
put_manifest() { # REPOSITORY: the image's, which is sparse there
  expect_status 201 "a manifest" -X PUT --data-binary "@$scratch/manifest" \
    -H "Content-Type: $(jq -r .mediaType "$scratch/manifest")" "http://$primary/v2/$1/manifests/1"
}
put_manifest a/b
expect_exit 3 "a store that is in use" "$PULLDRILL" serve --registry primary --store "$scratch/store"
expect_text "$scratch/err" '^pulldrill: registry primary: ' "whose store is in use"
stop 137 KILL
begin --registry primary --store "$scratch/store" --no-sparse
expect_status 200 "what was pushed before it was killed" "http://$primary/v2/a/b/manifests/1"
cmp -s "$scratch/manifest" "$scratch/body" || fail "another manifest came back"
expect_status 400 "a sparse manifest, refused" -X PUT --data-binary "@$scratch/manifest" \
  -H "Content-Type: $(jq -r .mediaType "$scratch/manifest")" "http://$primary/v2/c/d/manifests/1"
expect_text "$scratch/body" MANIFEST_BLOB_UNKNOWN "why it is refused"
stop 0 TERM
nothing_left "stores of their own"

# A phase of a scenario: its faults are on, and what the history says of requests is judged.
begin "$scratch/recipe.json" --phase outage --record "$scratch/outage.jsonl"
expect_status 503 "the phase's fault" "http://$primary/v2/ci/agent/manifests/stable"
stop 0 TERM
expect_exit 2 "one phase was not served" "$PULLDRILL" judge "$scratch/outage.jsonl"
expect_text "$scratch/out" '^pass +requests .*1 request$' "a check of requests"
expect_text "$scratch/out" '^pass +not-twice .*1 request$' "a check of the phase that was served"
expect_text "$scratch/out" '^inconclusive +in-vain .*phase stuck was not served' "another phase"
jq -se 'map(.event) as $e | $e[0] == "drill-begin" and $e[-1] == "drill-end" and
  ($e | index("phase-begin")) < ($e | index("fault-armed")) and
  ($e | index("fault-healed")) < ($e | index("phase-end")) and
  (.[-1] | .reason == "completed" and .requests == 1 and .detail == "stopped by SIGTERM")' \
  "$scratch/outage.jsonl" >"$scratch/null" || fail "the history is not whole"
# The stall ends with the phase, so that the answer is whole; the tag was published before it.
begin "$scratch/recipe.json" --phase stuck --record "$scratch/stuck.jsonl"
expect_status 200 "what the phase publishes" "http://$primary/v2/ci/agent/manifests/next"
rm "$scratch/slow"
curl -s -N -o "$scratch/slow" "http://$primary/v2/ci/agent/blobs/$layer" &
client=$!
until [ -s "$scratch/slow" ]; do :; done
stop 0 TERM
wait "$client" || fail "the stalled answer was cut"
[ "sha256:$(sha256sum <"$scratch/slow" | cut -d' ' -f1)" = "$layer" ] || fail "other bytes came"
expect_exit 1 "more requests than expected" "$PULLDRILL" judge "$scratch/stuck.jsonl"
expect_text "$scratch/out" '^fail +in-vain .*actual 2 requests' "which check failed"
# Its journal and its page are written like any other's.
"$PULLDRILL" judge "$scratch/stuck.jsonl" --format journal >"$scratch/journal.json"
cp "$scratch/stuck.jsonl" "$scratch/history.jsonl"
expect_exit 0 "a page" "$PULLDRILL" report "$scratch/journal.json" --format html
expect_text "$scratch/out" 'stalled' "the page shows the fault"

# With a client.
if command -v skopeo >"$scratch/null"; then
  begin --registry primary --registry failover --tls --auth basic --files "$scratch/files2"
  failover=$(sed -n 's/^failover //p' "$scratch/ready")
  sk() { skopeo "$@" >"$scratch/out" 2>&1 || fail "skopeo $1: $(tail -n 3 "$scratch/out")"; }
  login=(--authfile "$(file_of credentials)")
  trust=$scratch/files2/trust/certs.d
  sk copy "${login[@]}" --dest-cert-dir "$trust/$primary" "oci:$lay:stable" \
    "docker://$primary/ci/agent:pushed"
  sk copy "${login[@]}" --src-cert-dir "$trust/$primary" --dest-cert-dir "$trust/$failover" \
    "docker://$primary/ci/agent:pushed" "docker://$failover/ci/agent:copied"
  sk inspect "${login[@]}" --cert-dir "$trust/$failover" "docker://$failover/ci/agent:copied"
  [ "$(jq -r .Digest "$scratch/out")" = "$top" ] || fail "another digest after push and copy"
  stop 0 TERM
else
  echo "skipped: skopeo is not installed"
fi

# The same keys in a drill: its store on disk goes with it.
jq '.registries.failover = {store: "disk", "read-only": true, sparse: false}' tests/lib/small.json \
  >"$scratch/drill.json"
expect_exit 0 "a drill with a store on disk" "$PULLDRILL" run "$scratch/drill.json" \
  --out "$scratch/results"
nothing_left "a drill with a store on disk"

# What does not go together, and what is nonsense.
wrong() { # PATTERN ARGUMENT...
  local pattern=$1
  shift
  expect_exit 4 "$*" "$PULLDRILL" serve "$@"
  expect_text "$scratch/err" "^pulldrill: $pattern" "$*"
}
wrong '--phase outage: of which scenario' --phase outage
wrong '--phase outag: .*did you mean outage\?' "$scratch/recipe.json" --phase outag
wrong '--registry a beside a scenario' "$scratch/recipe.json" --registry a
wrong '--registry a stands here twice' --registry a --registry a
wrong 'serve: "Primary" is no name for a registry' --registry Primary
wrong '--image agent: "agent" does not say what it is' --image agent
wrong "--image oci:$scratch/none: .*cannot be read" --image "oci:$scratch/none"
# Content is read after its scenario, which serve has put together: its places are nobody's.
wrong "serve: $scratch is no image layout" --image "x:1=oci:$scratch"
jq --arg from "oci:$scratch" '.images.agent = {ref: "a/b:c", from: $from}' tests/lib/small.json \
  >"$scratch/empty.json"
wrong "$scratch/empty.json: $scratch is no image layout" "$scratch/empty.json"
wrong '--listen nowhere: an address of this machine' --listen nowhere
wrong '--advertise x: where is it' --advertise x
wrong '--advertise x:1: a host name or an address' --listen 0.0.0.0 --advertise x:1
wrong '--listen 0.0.0.0 is every address, .* --advertise NAME' --listen 0.0.0.0 --tls
wrong '--listen :: is every address, .* --advertise NAME' --listen :: --auth token
wrong '--auth bearer: none, basic or token' --auth bearer
wrong '--store: which\?' --store ''
wrong "--record $scratch/stuck.jsonl: that is there already" --record "$scratch/stuck.jsonl"
wrong '--var a=b: of which scenario' --var a=b
wrong 'serve takes one scenario file' "$scratch/recipe.json" "$scratch/recipe.json"
wrong '--phsae is no option here; did you mean --phase' --phsae x
expect_exit 3 "a ready file that cannot be" "$PULLDRILL" serve --ready-file "$scratch/none/ready"
expect_exit 3 "stdout that is full" sh -c 'exec "$0" serve >/dev/full' "$PULLDRILL"
nothing_left "complaints"
finish

#!/usr/bin/env bash
# Registries that speak TLS, as real clients meet them: what a lane's folder and variables give is
# all that curl, OpenSSL and skopeo need to trust them; those that do not are told of by name.
. tests/lib/small.sh

# tls_drill FILTER: one start of the script on stdin, with a primary that speaks TLS and a failover
# that needs certificates of clients.
tls_drill() {
  {
    echo 'set -euo pipefail; cd "$PULLDRILL_START_DIR"'
    echo 'primary=$PULLDRILL_REGISTRY_PRIMARY failover=$PULLDRILL_REGISTRY_FAILOVER'
    echo 'url=$PULLDRILL_REGISTRY_PRIMARY_URL ca=$PULLDRILL_REGISTRY_PRIMARY_CA'
    echo 'trust=$PULLDRILL_LANE_DIR/trust bare="env -u SSL_CERT_FILE -u CURL_CA_BUNDLE"'
    cat
  } >"$scratch/start.sh"
  scenario '.registries = {"primary": {"tls": true}, "failover": {"tls": {"client": "needed"}}}
    | .subjects = {"puller": {"command": ["bash", "'"$scratch"'/start.sh"], "timeout": "60s"}}
    | del(.faults) | .phases = [{"name": "steady", "starts": 1}] | '"$1"
}
# Every blob of the image, by curl, for those scripts that are to work.
cat >"$scratch/pull.sh" <<'S'
manifest=$url/v2/ci/agent/manifests/stable
curl -sS --fail -H 'Accept: application/vnd.oci.image.manifest.v1+json' -o manifest "$manifest"
for blob in $(jq -r '.config.digest, .layers[].digest' manifest); do
  curl -sS --fail -o blob "$url/v2/ci/agent/blobs/$blob"
done
S
# The text of the last start.
told() {
  cat "$scratch"/results/*/starts/*.txt
}

# Every form of trust does on its own, and plain HTTP is told what it is; sessions are taken up.
tls_drill . <<'S'
case $url in https://127.*) ;; *) echo "no URL of TLS: $url"; exit 1 ;; esac
[ "$ca" = "$trust/ca.crt" ]
get="curl -sS --fail -o answer $url/v2/"
$get
$bare $get --cacert "$ca"
$bare $get --capath "$trust/hashed"
SSL_CERT_FILE="" CURL_CA_BUNDLE="" $bare $get --cacert "$trust/ca-bundle.crt"
curl -sS "http://$primary/v2/" -o plain --http0.9 --write-out '%{http_code}' | grep -qx 400
grep -qx 'Client sent an HTTP request to an HTTPS server.' plain
for version in tls1_2 tls1_3; do
  for session in out in; do
    printf 'GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
      openssl s_client -connect "$primary" -$version -alpn h2,http/1.1 -ign_eof \
        -verify_return_error -verify_ip "${primary%:*}" -sess_$session session >said 2>&1 ||
      { cat said; exit 1; }
    grep -q '^HTTP/1.1 200' said
    grep -q '^ALPN protocol: http/1.1' said
  done
  grep -q '^Reused' said || { echo "$version: not resumed"; cat said; exit 1; }
done
! openssl s_client -connect "$primary" -alpn h2 </dev/null >said 2>&1
grep -qi 'alert no application protocol' said
. "${0%/*}/pull.sh"
S
run 0 "every form of trust" || told
holds '[.[] | select(.event == "connection-open" and .lane == 1)] | length >= 9 and all(.[]; .tls)' \
  "connections are of TLS"
holds '[.[] | select(.event == "connection-close") | .tls // empty] | sort == [
  "handshake failed: no application protocol", "plain http was sent to a port of tls"]' \
  "what failed is told"
holds 'any(.[]; .event == "probe" and .ok == false) | not' "the harness sees whether it is well"
if grep -rqE 'PRIVATE KEY|BEGIN CERT' "$scratch/results"; then fail "keys are in the results"; fi

# skopeo with certs.d, from both; the certificate of clients lies there, too.
command -v skopeo >"$scratch/null" && {
  tls_drill . <<'S'
export POLICY=$PULLDRILL_START_DIR/policy.json
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$POLICY"
for from in "$primary" "$failover"; do
  $bare skopeo --policy "$POLICY" copy -q --src-cert-dir "$trust/certs.d/$from" \
    "docker://$from/$PULLDRILL_IMAGE_AGENT" "dir:image-${from#*:}"
done
S
  run 0 "skopeo and certs.d" || told
}

# Who does not trust the authority, has another's name or shows no certificate is told of by name;
# a start that fails so is told of in the summary.
tls_drill '.baseline = {"none": "it is to fail"}' <<'S'
! $bare curl -sS -o answer "$url/v2/"
! openssl s_client -connect "$primary" -verify_return_error -verify_hostname quay.io </dev/null
curl -sS -o answer "https://$failover/v2/" --cert "$trust/client.crt" --key "$trust/client.key"
curl -sS -o answer "https://$failover/v2/"
S
run 1 "untrusting clients" || told
holds '[.[] | select(.event == "connection-close" and .lane == 1) | .tls] == ["peer alert: unknown ca",
  "peer alert: bad certificate", null, "handshake failed: peer did not return a certificate"]' \
  "failed handshakes have a reason"
expect_text "$scratch/out" 'asked nothing; TLS: handshake failed: peer did not return a certificate' \
  "the first page says it"

# A cut after so many bytes is one of plaintext: no close_notify, and curl has exactly those bytes.
tls_drill '.faults = {"cut": {"on": "primary", "kind": "truncate", "after-bytes": 1000,
    "match": {"op": "blob-get"}}} | .images.agent.layers = ["64KiB"]
  | .baseline = {"none": "a cut alone"} | .phases[0].faults = ["cut"]' <<'S'
layer=$(curl -sS "$url/v2/ci/agent/manifests/stable" | jq -r '.layers[0].digest')
! curl -sS -o layer "$url/v2/ci/agent/blobs/$layer" 2>said
[ "$(stat -c %s layer)" = 1000 ] || { stat layer; cat said; exit 1; }
S
run 1 "a cut" || told
holds 'any(.[]; .event == "response" and .faults == "cut" and ."object-bytes" == 1000 and .end == "cut")' \
  "it is told in bytes of the blob"

# Handshakes that faults meet: who checks the certificate stays away, who does not goes on; all are
# met, and a heal is one.
for flaw in expired unknown-authority; do
  tls_drill '.faults = {"flawed": {"on": "primary", "kind": "tls-certificate", "flaw": "'$flaw'"}}
    | .phases = [{"name": "steady", "starts": 1}, {"name": "flawed", "faults": ["flawed"], "starts": 1},
      {"name": "after", "starts": 1}]' <<'S'
[ "$PULLDRILL_START_ID" != 2 ] || { ! curl -sS -o answer "$url/v2/" && curl -sSk -o answer "$url/v2/"; }
. "${0%/*}/pull.sh"
S
  sed -i 's/curl -sS --fail/curl -sSk --fail/' "$scratch/pull.sh"
  run 0 "tls-certificate: $flaw" || told
  holds '[.[] | select(.event == "fault-decided" and .fired)] | length >= 2' "$flaw is decided"
  holds '[.[] | select(.event == "connection-close" and .fault == "flawed") | .tls] | length == 1
    and (.[0] | startswith("peer alert: "))' "$flaw is told"
done
finish

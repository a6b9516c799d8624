#!/usr/bin/env bash
# Registries that ask for credentials, redirects of their blobs, and what becomes of the secrets: the
# flows request by request with curl, then real clients, each also where the realm is broken.
. tests/lib/small.sh

# ---- each flow, as the wire has it ------------------------------------------------------------
# The control start asks nobody: its requests would be refused.
cat >"$scratch/flows.sh" <<'S'
set -u
cd "$PULLDRILL_START_DIR"
manifest=v2/ci/agent/manifests/stable
# ask NAME [CURL-OPTION...]: says the status; head and body are in files.
ask() {
  local name=$1
  shift
  echo "$name $(curl -s --noproxy '*' -o body -D head -w '%{http_code}' "$@")"
}
value() { sed -n "s/^$1: \(.*\)\r\$/\1/Ip" head; }
challenge() { value WWW-Authenticate | sed -E 's|[0-9]+(\.[0-9]+){3}:[0-9]+|HOST|g'; }
token() { sed -E 's/.*"access_token":"([^"]*)".*/\1/' body; }
primary=$PULLDRILL_REGISTRY_PRIMARY_URL failover=$PULLDRILL_REGISTRY_FAILOVER_URL
other=$PULLDRILL_REGISTRY_OTHER_URL
me=$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD

ask ping "$primary/v2/"
challenge
ask head -I "$primary/$manifest"
challenge
realm=$(value WWW-Authenticate | sed -E 's/.*realm="([^"]*)".*/\1/')
[[ $realm != "$primary"/* ]] && echo 'the realm is a host of its own'
scope=scope=repository:ci/agent:pull
ask get-token -u "$me" "$realm?service=x&$scope&offline_token=true"
token=$(token) refresh=$(sed -E 's/.*"refresh_token":"([^"]*)".*/\1/' body)
ask with-token -H "Authorization: Bearer $token" "$primary/$manifest"
ask other-repository -H "Authorization: Bearer $token" "$primary/v2/ci/other/tags/list"
challenge
ask no-token -H "Authorization: Bearer nonsense" "$primary/$manifest"
challenge
ask wrong-password -u "me:wrong" "$realm?$scope"
ask nobody "$realm?$scope"
ask nobody-pulls -H "Authorization: Bearer $(token)" "$primary/$manifest"
ask post -d grant_type=password -d "username=${me%%:*}" -d "password=${me#*:}" -d "$scope" "$realm"
ask posted -H "Authorization: Bearer $(token)" "$primary/$manifest"
ask refresh -d grant_type=refresh_token -d "refresh_token=$refresh" -d "$scope" "$realm"
ask refreshed -H "Authorization: Bearer $(token)" "$primary/$manifest"
ask wrong-form -d grant_type=password -d username=me -d password=wrong "$realm"
ask large-form -d grant_type=password -d "x=$(printf '%09000d' 1)" "$realm"
ask put -X PUT "$realm"
ask no-realm "$primary/token"

ask basic-without "$failover/$manifest"
challenge
ask basic-with -u "$PULLDRILL_REGISTRY_FAILOVER_USER:$PULLDRILL_REGISTRY_FAILOVER_PASSWORD" \
  "$failover/$manifest"
ask basic-of-another -u "$me" "$failover/$manifest"
ask form-of-another -d grant_type=password -d "username=${me%%:*}" -d "password=${me#*:}" \
  "$failover/token"

ask anonymous-ping "$other/v2/"
ask anonymous-token "$other/token?$scope"
ask anonymous -H "Authorization: Bearer $(token)" "$other/$manifest"
blob=v2/ci/agent/blobs/$(grep -oE 'sha256:[0-9a-f]{64}' body | head -n 1)
pull="Authorization: Bearer $(curl -s --noproxy '*' "$other/token?$scope" |
  sed -E 's/.*"access_token":"([^"]*)".*/\1/')"
ask blob-head -I -H "$pull" "$other/$blob"
ask blob -H "$pull" "$other/$blob"
[ ! -s body ] && echo 'nothing is in the redirect'
url=$(value Location)
[[ $url != "$other"/* ]] && echo 'it leads to a host of its own'
ask target "$url"
[ "$(sha256sum <body)" = "${blob#*sha256:}  -" ] && echo 'the blob is there'
ask target-range -r 10-19 "$url"
[ "$(stat -c %s body)" = 10 ] && echo 'a part of it'
ask target-head -I "$url"
ask target-altered "${url/expires=/expires=9}"
cat body
ask target-unsigned "${url%%\?*}"
ask gone -H "$pull" "$other/v2/ci/agent/blobs/sha256:$(printf '%064d' 0)"
exit 1
S
scenario '.registries = {"primary": {"auth": "token", "hosts": {"token": true}},
    "failover": {"auth": "basic"},
    "other": {"role": "other", "auth": {"type": "token", "anonymous": true}, "hosts": {"blobs": true}}}
  | .phases = [{"name": "steady", "starts": 1}] | del(.faults) | del(.expect)
  | .subjects.puller.command = ["bash", "'"$scratch"'/flows.sh"]'
run 1 "the flows"
cat >"$scratch/wanted" <<'S'
ping 401
Bearer realm="http://HOST/token",service="HOST"
head 401
Bearer realm="http://HOST/token",service="HOST",scope="repository:ci/agent:pull"
the realm is a host of its own
get-token 200
with-token 200
other-repository 401
Bearer realm="http://HOST/token",service="HOST",scope="repository:ci/other:pull",error="insufficient_scope"
no-token 401
Bearer realm="http://HOST/token",service="HOST",scope="repository:ci/agent:pull",error="invalid_token"
wrong-password 401
nobody 200
nobody-pulls 401
post 200
posted 200
refresh 200
refreshed 200
wrong-form 401
large-form 400
put 405
no-realm 401
basic-without 401
Basic realm="HOST"
basic-with 200
basic-of-another 401
form-of-another 401
anonymous-ping 401
anonymous-token 200
anonymous 200
blob-head 200
blob 307
nothing is in the redirect
it leads to a host of its own
target 200
the blob is there
target-range 206
a part of it
target-head 200
target-altered 403
<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you provided.</Message></Error>
target-unsigned 403
gone 404
S
diff -u "$scratch/wanted" "$scratch"/results/*/starts/1.txt || fail "the flows went otherwise"

# Whose credential each request showed, also in the body of a form.
jq -r 'select(.event == "request" and .start == 1) | [.host, .op, .method, .credential] | @tsv' \
  "$history" | sort | uniq -c | awk '{$1 = $1; print}' >"$scratch/shown"
cat >"$scratch/wanted" <<'S'
1 failover manifest-get GET none
1 failover manifest-get GET other:primary
1 failover manifest-get GET own
1 failover other POST other:primary
2 other blob-get GET own
1 other blob-head HEAD own
1 other manifest-get GET own
1 other ping GET none
2 other token GET none
4 other/blobs blob-get GET none
1 other/blobs blob-head HEAD none
S
grep -v ' primary' "$scratch/shown" >"$scratch/rest"
diff -u "$scratch/wanted" "$scratch/rest" ||
  fail "the credentials were told otherwise"
holds 'map(select(.host == "primary/token" and .method == "POST") | .credential) ==
  ["own", "own", "none", "none"]' "the forms"
holds 'map(select(.event == "request" and .path != null and (.path | test("signature=[0-9a-f]"))))
  == []' "signatures are not told"
expect_text "$scratch/out" "^fail +no-leak +.*2 requests carried a credential to where it does not" \
  "what is wrong of these flows"

# ---- what a subject is given ------------------------------------------------------------------
# In each form: under the address, under each name, and Docker Hub as its clients call it; a registry
# that asks for nothing is in none of them. The subject's own variables stand.
cat >"$scratch/given.sh" <<'S'
cp -r "$PULLDRILL_LANE_DIR/credentials" "$1"
stat -c '%a %n' "$PULLDRILL_LANE_DIR"/credentials/*.json | sed 's|/.*/||' >"$1/modes"
env | grep -E '^(PULLDRILL_REGISTRY_|DOCKER_CONFIG=|REGISTRY_AUTH_FILE=)' >"$1/env"
echo "$2" >>"$1/env"
exit 1
S
scenario '.registries = {"primary": {"auth": "token", "names": ["docker.io", "hub.test"]},
    "build-cache": {"role": "cache", "auth": "basic"}, "open": {"role": "other"}}
  | .images.agent.on = ["primary"] | .phases = [{"name": "steady", "starts": 1}]
  | del(.faults) | del(.expect) | .subjects.puller.env = {"DOCKER_CONFIG": "mine"}
  | .subjects.puller.command = ["bash", "'"$scratch"'/given.sh", "'"$scratch"'/given",
      "${registry.primary.auth-file}|${registry.open.auth-file}"]'
run 2 "what a subject is given"
given=$scratch/given
# shellcheck disable=SC1091
. <(grep -E '^PULLDRILL_REGISTRY_' "$given/env")
hosts() { jq -r '.auths | keys[]' "$given/$1" | sort | tr '\n' ' '; }
primary=$PULLDRILL_REGISTRY_PRIMARY
[ "$(hosts primary.json)" = "$primary docker.io https://index.docker.io/v1/ hub.test " ] ||
  fail "primary.json has $(hosts primary.json)"
[ "$(hosts build-cache.json)" = "$PULLDRILL_REGISTRY_BUILD_CACHE " ] ||
  fail "build-cache.json has $(hosts build-cache.json)"
[ "$(hosts auth.json)" = "$(hosts docker/config.json)" ] || fail "auth.json is not config.json"
[ "$(hosts auth.json | wc -w)" = 5 ] || fail "auth.json has $(hosts auth.json)"
[ ! -e "$given/open.json" ] || fail "there is a file for a registry that asks for nothing"
[ "$(jq -r '.auths["hub.test"].auth | @base64d' "$given/auth.json")" = \
  "$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD" ] ||
  fail "the files and the variables differ"
[ "$PULLDRILL_REGISTRY_BUILD_CACHE_USER" = pulldrill-build-cache ] || fail "the user's name"
[ "$PULLDRILL_REGISTRY_BUILD_CACHE_PASSWORD" != "$PULLDRILL_REGISTRY_PRIMARY_PASSWORD" ] ||
  fail "two registries have the same password"
grep -q '^PULLDRILL_REGISTRY_OPEN_USER' "$given/env" && fail "a user for a registry that asks for none"
grep -qx 'DOCKER_CONFIG=mine' "$given/env" || fail "the subject's own variable was taken"
grep -q '^REGISTRY_AUTH_FILE=.*/credentials/auth.json$' "$given/env" || fail "REGISTRY_AUTH_FILE"
grep -q '/credentials/primary.json|$' "$given/env" || fail "\${registry.NAME.auth-file}"
[ "$(cut -d ' ' -f 1 "$given/modes" | sort -u)" = 600 ] || fail "others may read: $(cat "$given/modes")"

# ---- secrets stay secret ----------------------------------------------------------------------
# A subject that tells everything it knows, in every way it can. What it knows it also keeps where
# this test, and nobody else, finds it.
cat >"$scratch/tells.sh" <<'S'
cd "$PULLDRILL_START_DIR"
user=$PULLDRILL_REGISTRY_PRIMARY_USER password=$PULLDRILL_REGISTRY_PRIMARY_PASSWORD
set -x
auth=$(printf %s "$user:$password" | base64 -w 0)
token=$(curl -s --noproxy '*' -u "$user:$password" \
  "$PULLDRILL_REGISTRY_PRIMARY_URL/token?scope=repository:ci/agent:pull&password=$password" |
  sed -E 's/.*"access_token":"([^"]*)".*/\1/')
curl -sv --noproxy '*' -A "agent/$password" -H "Authorization: Bearer $token" -H "X-Also: $auth" \
  "$PULLDRILL_REGISTRY_PRIMARY_URL/v2/$password/tags/list?x=$token"
env
cat "$DOCKER_CONFIG/config.json" "$REGISTRY_AUTH_FILE" "$1"
echo "{\"username\": \"x\", \"password\": \"$password\"}" | base64
printf 'split: %s' "${password:0:10}"
sleep 0.1
printf '%s\n' "${password:10}"
echo "{\"version\": \"$password\", \"note\": \"$token\"}" >"$PULLDRILL_RESULT"
printf '%s\n' "$password" "$auth" "$token" >>"$2"
printf '%.12s\n' "$password" >>"$2-beginning"
exit 1
S
scenario '.registries = {"primary": {"auth": "token"}, "failover": {"auth": "basic"}}
  | .phases = [{"name": "steady", "starts": 2}] | del(.faults) | del(.expect)
  | .subjects.puller.concurrency = 1
  | .subjects.puller.command = ["bash", "'"$scratch"'/tells.sh",
      "${registry.primary.auth-file}", "'"$scratch"'/known"]'
run 2 "a subject that tells everything"
[ "$(wc -l <"$scratch/known")" -ge 3 ] || fail "the subject knew nothing"
grep -q . "$scratch"/results/*/starts/1.txt || fail "no output was kept"
grep -q 'PULLDRILL_REGISTRY_PRIMARY_PASSWORD=\*\*\*$' "$scratch"/results/*/starts/1.txt ||
  fail "the output does not say that something was taken out"
cp "$scratch/out" "$scratch/err" "$scratch/results"
found=$(grep -rlFf "$scratch/known" "$scratch/results")
[ -z "$found" ] || fail "secrets are in $found"
# Not even a piece of one: what each begins with is the same in all.
found=$(grep -rlFf "$scratch/known-beginning" "$scratch/results")
[ -z "$found" ] || fail "pieces of secrets are in $found"
expect_exit 2 "judged again" "$PULLDRILL" judge "$history"

# `prepare`, whose output a failure shows, is no way out either.
jq '.subjects.puller |= (.prepare = .command)' "$scratch/scenario.json" >"$scratch/prepare.json"
expect_exit 3 "a prepare that tells everything" "$PULLDRILL" run "$scratch/prepare.json" \
  --out "$scratch/results/prepare"
cp "$scratch/out" "$scratch/err" "$scratch/results"
found=$(grep -rlFf "$scratch/known" "$scratch/results")
[ -z "$found" ] || fail "prepare: secrets are in $found"

# ---- real clients -----------------------------------------------------------------------------
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$scratch/policy.json"
cat >"$scratch/skopeo.sh" <<S
skopeo --policy $scratch/policy.json copy -q --src-tls-verify=false \
  "docker://\$1/\$PULLDRILL_IMAGE_AGENT" "dir:\$PULLDRILL_START_DIR/\$2"
S
cat >"$scratch/pull.sh" <<S
bash $scratch/skopeo.sh "\$PULLDRILL_REGISTRY_PRIMARY" first ||
  bash $scratch/skopeo.sh "\$PULLDRILL_REGISTRY_FAILOVER" second
S
pulls() { # WHAT TYPE
  scenario '.registries = {"primary": {"auth": "'"$2"'", "hosts": {"blobs": true}},
      "failover": {"auth": "'"$2"'"}}
    | if "'"$2"'" == "token" then .registries.primary.hosts.token = true else . end
    | .faults = {"down": {"on": "primary'"$3"'", "kind": "status", "code": 503}}
    | .phases = [{"name": "steady", "starts": 2}, {"name": "outage", "starts": 2, "faults": ["down"]}]
    | .expect = [{"check": "starts-succeed"},
        {"check": "served-by", "registry": "failover", "during": "outage"},
        {"check": "attempts-per-start", "registry": "primary", "during": "steady", "max": 3}]
    | .subjects.puller.command = ["bash", "'"$scratch"'/pull.sh"]
    | .subjects.puller.timeout = "60s"'
  run 0 "$1"
  jq -e '.checks[] | select(.check == "no-leak") | .verdict == "pass" and
    (.actual | test("each to where it belongs"))' "$journal" >"$scratch/null" ||
    fail "$1: no-leak has nothing to say"
}
if command -v skopeo >"$scratch/null"; then
  pulls "skopeo, basic" basic ""
  pulls "skopeo, tokens, the realm is down" token /token
  pulls "skopeo, tokens, the blobs are down" token /blobs
else
  echo "skip: no skopeo here"
fi
finish

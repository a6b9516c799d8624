#!/usr/bin/env bash
# Registries reached by their own names through a proxy, and at an address of this machine: real
# clients that nobody changed, over TLS, as root and as an ordinary user.
. tests/lib/check.sh
. tests/lib/page.sh

export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"

# A script as it ships: it knows names, and nothing of a drill.
cat >"$scratch/provision.sh" <<'S'
#!/bin/bash
target=$(mktemp -d)
for host in quay.io public.ecr.aws; do
  skopeo copy --quiet --insecure-policy "docker://$host/codeship/agent:stable" "dir:$target" && exit 0
done
exit 1
S
# The same for curl alone: the manifest, and all that it names.
cat >"$scratch/fetch.sh" <<'S'
#!/bin/bash
url=$1/v2/codeship/agent
curl() { command curl -sSf ${token:+-H "Authorization: Bearer $token"} "$@"; }
manifest=$(curl -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
  "$url/manifests/stable") || exit 1
for digest in $(grep -o 'sha256:[0-9a-f]*' <<<"$manifest"); do
  curl -o /dev/null "$url/blobs/$digest" || exit 1
done
S
chmod 755 "$scratch" "$scratch"/*.sh
cat >"$scratch/fetch.json" <<'S'
{
  "version": 1,
  "title": "curl by the registries' own names",
  "registries": {"primary": {"names": ["quay.io"]}, "failover": {"names": ["public.ecr.aws"]}},
  "images": {"agent": {"ref": "codeship/agent:stable", "layers": ["64KiB"]}},
  "subjects": {
    "fetch": {"command": ["${scenario.dir}/fetch.sh", "https://quay.io"], "reach": "proxy"}
  },
  "phases": [{"name": "steady", "starts": 2}],
  "expect": [{"check": "starts-succeed"}, {"check": "no-unmapped-names"}]
}
S
jq '.title = "An unchanged script" | .subjects = {"provision": {"reach": "proxy",
    "command": ["${scenario.dir}/provision.sh"]}} |
  .registries.primary.auth = "token" |
  .faults = {"down": {"on": "primary", "kind": "status", "code": 503},
    "cut": {"on": "primary", "kind": "reset", "match": {"op": "blob-get"}, "after-bytes": "16KiB"}} |
  .phases = [{"name": "steady", "starts": 1}, {"name": "outage", "starts": 2, "faults": ["down"]},
    {"name": "cut", "starts": 1, "faults": ["cut"]}, {"name": "recovery", "starts": 1}] |
  .expect += [{"check": "served-by", "registry": "failover", "during": "outage"}]' \
  "$scratch/fetch.json" >"$scratch/provision.json"
chmod 644 "$scratch"/*.json
run() { # FILE OPTIONS...
  "$PULLDRILL" run "$scratch/$1" -q --out "$scratch/results" "${@:2}"
}
events() { # JQ-FILTER: whether an event fits
  jq -es "map(select($1)) | length > 0" "$scratch"/results/*/history.jsonl >"$scratch/null"
}

# curl through the proxy, over TLS and plain; the report says what that cannot show.
expect_exit 0 "curl over TLS" run fetch.json
expect_text "$scratch/out" '^reach: proxy: ' "the way"
rm -rf "$scratch/results"
jq '.registries[].tls = false | .subjects.fetch.command[1] = "http://quay.io"' \
  "$scratch/fetch.json" >"$scratch/plain.json"
expect_exit 0 "curl over plain HTTP" run plain.json
events '.event == "lookup" and .transport == "proxy" and .type == "http"' || fail "no plain request"

# A name that nobody plays is refused, and the check names it.
rm -rf "$scratch/results"
expect_exit 1 "a name of others" run fetch.json -- \
  bash -c 'curl -s https://ghcr.io/; exec "$1" https://quay.io' - "$scratch/fetch.sh"
expect_text "$scratch/out" 'ghcr.io was looked up 2 times, first by start 1' "whose name"
events '.event == "lookup" and .name == "ghcr.io" and .answer == "refused"' || fail "no refusal"

# A client that goes past the proxy reaches nobody.
rm -rf "$scratch/results"
expect_exit 2 "past the proxy" run fetch.json -- env -u https_proxy -u HTTPS_PROXY -u ALL_PROXY \
  -u all_proxy curl -sS --max-time 5 --connect-to ::127.0.0.1:1 https://quay.io/v2/

# The unchanged script, with tokens; what is cut is cut through the tunnel.
provision() { # WHO OUT COMMAND-PREFIX...
  rm -rf "$2"
  expect_exit 0 "the unchanged script as $1" "${@:3}" "$PULLDRILL" run "$scratch/provision.json" -q \
    --out "$2" || return
  jq -es 'def some(f): map(select(f)) | length > 0;
    some(.event == "connection-close" and .fault == "cut" and .how == "ours-rst") and
    some(.event == "response" and .faults == "cut") and
    (map(select(.event == "response" and .faults == "cut")) |
      all(.["object-bytes"] == 16384)) and
    some(.event == "request" and .op == "token")' "$2"/*/history.jsonl >"$scratch/null" ||
    fail "no token, or no reset at the byte, as $1"
}
if command -v skopeo >"$scratch/null"; then
  provision "this user" "$scratch/results" env HOME="$TMPDIR"
  other=(setpriv --reuid 54321 --regid 54321 --clear-groups)
  if [ "$(id -u)" != 0 ]; then
    echo "skipped: another user, which takes root"
  elif "${other[@]}" test -x "$PULLDRILL"; then
    mkdir -m 777 "$scratch/open"
    provision "another user" "$scratch/open/results" "${other[@]}" env HOME="$scratch/open" \
      TMPDIR="$scratch/open" XDG_RUNTIME_DIR="$scratch/open"
  else
    echo "skipped: another user cannot reach the program"
  fi
else
  echo "skipped: there is no skopeo"
fi

# At an address of this machine: the name told is in the certificate, ports begin where asked.
rm -rf "$scratch/results"
jq '.subjects.fetch |= (.reach = "listen" | .command[1] = "${registry.primary.url}")
  | .expect = [{"check": "starts-succeed"}]' "$scratch/fetch.json" >"$scratch/listen.json"
expect_exit 0 "listening elsewhere" run listen.json --listen 127.77.0.9
expect_text "$scratch/out" '^reach: listen: ' "the way"
expect_text "$scratch/out" 'run .*listen.json --listen 127.77.0.9 --seed' "the replay"
expect_exit 0 "judged again" "$PULLDRILL" judge "$(echo "$scratch"/results/*/history.jsonl)"
rm -rf "$scratch/results"
expect_exit 0 "another name, chosen ports" run listen.json --listen 127.77.0.9:18443 \
  --advertise build-host.test -- bash -c 'curl -sSf --connect-to ::127.77.0.9 "$1/v2/" &&
    [ "$PULLDRILL_REGISTRY_FAILOVER" = build-host.test:18444 ] && exec "$2" \
    https://127.77.0.9:18443' - '${registry.primary.url}' "$scratch/fetch.sh"
jq -es '.[0].plan.listen == {"address": "127.77.0.9", "port": 18443,
  "advertise": "build-host.test"}' "$scratch"/results/*/history.jsonl >"$scratch/null" ||
  fail "the plan does not say where"
rm -rf "$scratch/results"
expect_exit 0 "the proxy elsewhere" run fetch.json --listen 127.77.0.9 -- bash -c \
  '[[ $https_proxy == http://127.77.0.9:* ]] && exec "$1" https://quay.io' - "$scratch/fetch.sh"

# Subjects may take different ways; the report tells who took which.
rm -rf "$scratch/results"
jq '.subjects.local = {"command": ["${scenario.dir}/fetch.sh", "${registry.primary.url}"]} |
  .phases[0].starts = 1' "$scratch/fetch.json" >"$scratch/two.json"
expect_exit 0 "two ways" run two.json
expect_text "$scratch/out" '^reach: proxy \(fetch\): .*; ports \(local\): ' "both ways"

# What the documentation shows is right, and does what it says.
page_scenarios docs/reaching.md 2
cp "$(grep -l '"reach": "proxy"' "${shown[@]}")" "$scratch/shown.json"
rm -rf "$scratch/results"
expect_exit 0 "the proxy of docs/reaching.md" run shown.json -- bash -c '
  export token=$(curl -sSf -u "$PULLDRILL_REGISTRY_PRIMARY_USER:$PULLDRILL_REGISTRY_PRIMARY_PASSWORD" \
    "https://quay.io/token?service=quay.io&scope=repository:codeship/agent:pull" | jq -r .token)
  "$1" https://quay.io || exec "$1" https://public.ecr.aws' - "$scratch/fetch.sh"

# Both sides have to ask for it.
complains() { # PATTERN COMMAND...
  expect_exit 4 "${*:2}" "${@:2}"
  expect_text "$scratch/err" "$1" "${*:2}"
}
complains 'write --listen ADDR' run listen.json
complains 'write --listen ADDR' "$PULLDRILL" prove "$scratch/listen.json" -q --out "$scratch/results"
complains 'no subject here would use it' "$PULLDRILL" run tests/lib/small.json --listen 127.77.0.9
complains 'where is it' run listen.json --advertise here
complains 'write --advertise NAME' run listen.json --listen 0.0.0.0
complains 'write --advertise NAME' run listen.json --listen ::
complains 'an address of this machine' run listen.json --listen localhost
complains 'an address of this machine' run listen.json --listen 127.0.0.1:0
complains 'an address of this machine' run listen.json --listen '[::1'
complains 'a host name or an address' run listen.json --listen 127.0.0.1 --advertise here:80
complains 'leave the port out' run listen.json --listen 127.77.0.9:18443 -j 2
expect_exit 0 "validate needs no address" "$PULLDRILL" validate "$scratch/listen.json"
expect_exit 3 "an address of others" run listen.json --listen 192.0.2.1
expect_exit 3 "ports past the last" run listen.json --listen 127.77.0.9:65535

# One start of one's own command, at an address of this machine.
expect_exit 1 "try at an address" "$PULLDRILL" try --listen 127.77.0.9 -- \
  sh -c 'curl -sf "$PULLDRILL_REGISTRY_PRIMARY_URL/v2/" && echo "$PULLDRILL_REGISTRY_PRIMARY"'
expect_text "$scratch/out" '^\{\}127\.77\.0\.9:[0-9]+$' "what it was told"
finish

#!/usr/bin/env bash
# Real content: layouts and archives as skopeo writes them, and an upstream registry, drilled.
. tests/lib/check.sh

export PULLDRILL_CACHE=$scratch/cache REGISTRY_AUTH_FILE=$scratch/auth.json
echo '{}' >"$REGISTRY_AUTH_FILE"

# scenario NAME JQ-FILTER [SCENARIO]: one of the library, changed, in $scratch/NAME.json.
scenario() {
  jq "$2 | del(.proof)" "scenarios/registry/${3:-baseline}.json" >"$scratch/$1.json"
}
few='.phases[].starts = 3 | .expect = [{"check": "starts-succeed"}]'

# drill WANTED NAME...: runs them with the results in $scratch/results.
drill() {
  local wanted=$1 files=() name
  shift
  for name; do files+=("$scratch/$name.json"); done
  rm -rf "$scratch/results"
  expect_exit "$wanted" "$*" "$PULLDRILL" run "${files[@]}" --out "$scratch/results"
}
plan() { # JQ-FILTER
  find "$scratch/results" -name history.jsonl -exec head -n 1 {} \; | jq -r ".plan.images[0] | $1"
}

# ---- what other tools write ---------------------------------------------------------------------

# The image of `try`, copied by skopeo into a layout and both kinds of archive.
cat >"$scratch/copy.sh" <<'END'
set -e
for to in "oci:$1/layout:stable" "oci-archive:$1/oci.tar:stable" \
  "docker-archive:$1/docker.tar:ci/agent:stable"; do
  skopeo --insecure-policy copy -q --src-tls-verify=false \
    "docker://$PULLDRILL_REGISTRY_PRIMARY/$PULLDRILL_IMAGE_AGENT" "$to"
done
echo "digest $PULLDRILL_IMAGE_AGENT_DIGEST"
END
expect_exit 0 "copies by skopeo" "$PULLDRILL" try -- sh "$scratch/copy.sh" "$scratch"
digest=$(sed -n 's/^digest //p' "$scratch/out")
gzip -k "$scratch/oci.tar"

# The same image comes back, by the same digest.
for from in oci:layout oci:layout:stable oci-archive:oci.tar oci-archive:oci.tar.gz:stable \
  "oci:$scratch/layout"; do
  scenario from ".images.agent = {ref: \"ci/agent:stable\", from: \"$from\"} | $few"
  drill 0 from && [ "$(plan .digest)" = "$digest" ] || fail "$from: $(plan .digest), not $digest"
done

# What docker saves has no manifest, but the same config.
config=$(jq -r .config.digest "$scratch/layout/blobs/sha256/${digest#sha256:}")
scenario from ".images.agent = {ref: \"a:1\", from: \"docker-archive:docker.tar:ci/agent:stable\"} | $few"
drill 0 from && [ "$(plan '.blobs[0].digest')" = "$config" ] || fail "docker save: another config"
config_file=$scratch/cache/blobs/sha256/$(plan '.blobs[1].digest' | cut -d: -f2)
[ -f "$config_file" ] || fail "the layers of an archive are not in the cache"

# A layer that is served from its file is altered on the way all the same, and a good subject
# notices.
scenario corrupt '.images.agent = {ref: "ci/agent:stable", from: "oci:layout"}' corrupt-layer
drill 0 corrupt
find "$scratch/results" -name history.jsonl -exec cat {} \; |
  jq -es 'any(.event == "response" and ."altered-bytes" > 0)' >"$scratch/null" ||
  fail "no response says that it was altered"

# A saved drill is judged again without its content.
history=$(find "$scratch/results" -name history.jsonl)
mv "$scratch/layout" "$scratch/elsewhere"
expect_exit 0 "judged again" "$PULLDRILL" judge "$history"
mv "$scratch/elsewhere" "$scratch/layout"

# A blob that was altered is told at its place in the scenario, with file and digest; validate does
# not look that far.
layer=$(jq -r '.layers[1].digest' "$scratch/layout/blobs/sha256/${digest#sha256:}")
printf altered | dd of="$scratch/layout/blobs/sha256/${layer#sha256:}" bs=1 seek=99 conv=notrunc status=none
scenario from ".images.agent = {ref: \"a:1\", from: \"oci:layout\"} | $few"
expect_exit 0 "validate" "$PULLDRILL" validate "$scratch/from.json"
drill 4 from
expect_text "$scratch/err" "from.json:[0-9]+:[0-9]+: .*/${layer#sha256:} does not have the digest $layer" \
  "an altered layer"

# ---- an upstream registry -----------------------------------------------------------------------

# Drills within a `try`, whose registry is their upstream and tells what it was asked. Two of them at
# once want the same: it is fetched once. The second time only the tag is asked for.
scenario first ".registries.primary.upstream = \"http://UPSTREAM\" | del(.images.agent.layers) | $few"
scenario second ".images.agent = {ref: \"b:2\", from: \"docker://UPSTREAM/ci/agent:stable\"} | $few"
cat >"$scratch/drills.sh" <<'END'
export PULLDRILL_CACHE=$2/cache # subjects get none of ours
for name in first second; do
  sed -i "s,UPSTREAM,$PULLDRILL_REGISTRY_PRIMARY," "$2/$name.json"
done
"$1" run -j 2 "$2/first.json" "$2/second.json" --out "$2/results" >"$2/drills.out" 2>&1 || exit 1
curl -s -o "$2/null" "http://$PULLDRILL_REGISTRY_PRIMARY/v2/" # parts the two in what is printed
"$1" run "$2/second.json" --out "$2/again" >>"$2/drills.out" 2>&1 || exit 1
skopeo --insecure-policy copy -q --src-tls-verify=false \
  "docker://$PULLDRILL_REGISTRY_PRIMARY/$PULLDRILL_IMAGE_AGENT" "oci:$2/upstream-copy:1"
END
rm -rf "$scratch/results" "$scratch/cache"
expect_exit 0 "drills of an upstream" "$PULLDRILL" try -- sh "$scratch/drills.sh" "$PULLDRILL" \
  "$scratch" || cat "$scratch/drills.out"
cp "$scratch/out" "$scratch/asked"
[ "$(plan .digest | sort -u)" = "$digest" ] || fail "upstream: $(plan .digest), not $digest"
sed '/GET  \/v2\/ /,$d' "$scratch/asked" >"$scratch/before"
sed '1,/GET  \/v2\/ /d' "$scratch/asked" | sed '/GET  \/v2\/ /,$d' >"$scratch/after"
count() { grep -cE "$1" "$2"; }
[ "$(count 'HEAD /v2/ci/agent/manifests/stable' "$scratch/before")" = 2 ] || fail "HEAD of the tag"
[ "$(count 'GET  /v2/ci/agent/manifests/' "$scratch/before")" = 1 ] || fail "the manifest, once"
[ "$(count 'GET  /v2/ci/agent/blobs/' "$scratch/before")" = 3 ] || fail "each blob, once"
[ "$(count 'GET ' "$scratch/after")" = 0 ] || fail "the second time something was fetched"
[ "$(count 'HEAD /v2/ci/agent/manifests/stable' "$scratch/after")" = 1 ] || fail "the tag, again"
[ "$failures" = 0 ] || cat "$scratch/asked"

# Without its upstream the drill is an error of the environment: nothing was drilled.
drill 3 second
expect_text "$scratch/out" 'the upstream registry 127[0-9.:]+ gave no answer' "upstream down"
[ "$(find "$scratch/results" -name journal.json -exec jq -r .blame {} \;)" = environment ] ||
  fail "blamed: $(find "$scratch/results" -name journal.json -exec jq -r .blame {} \;)"
expect_agreement 3 "$scratch/results" "$scratch/out"

# A tag that the upstream does not have, and a cache that cannot be.
scenario second '.images.agent = {ref: "b:2", from: "docker://UPSTREAM/ci/agent:none"}'
expect_exit 1 "no such tag" "$PULLDRILL" try -- sh "$scratch/drills.sh" "$PULLDRILL" "$scratch"
expect_text "$scratch/drills.out" 'answered 404 to manifests/none of ci/agent' "no such tag"
PULLDRILL_CACHE=/dev/null/cache drill 3 second
expect_text "$scratch/out" 'the cache: cannot make /dev/null' "no cache"

finish

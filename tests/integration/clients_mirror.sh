#!/usr/bin/env bash
# release only: what the clients do is theirs
# Docker's own registry as a cache in front of `serve`, plain and with tokens: skopeo gets the same
# bytes through it, also once `serve` is gone. The other way round, `serve` brings in what that one
# holds. And what is not there is missing in the same way at both.
. tests/lib/check.sh
. tests/lib/serve.sh
. tests/lib/docker_registry.sh
trap 'serve_end_all; docker_end_all; rm -rf "$scratch"' EXIT
for client in skopeo docker-registry; do
  command -v "$client" >"$scratch/null" || { echo "skip: $client: it is not installed"; finish; }
done
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$scratch/policy.json"
client() { # COMMAND ARGUMENT...: skopeo, over plain HTTP
  skopeo --policy "$scratch/policy.json" "$1" --tls-verify=false "${@:2}"
}

scenario() { # AUTH
  jq -n --arg auth "$1" '{version: 1, title: "What is pulled", seed: 11,
    registries: {primary: {auth: $auth}},
    images: {multi: {ref: "ci/multi:one", layers: ["8KiB"],
      platforms: ["linux/amd64", "linux/arm64/v8"]}},
    subjects: {none: {command: ["true"]}}, phases: [{name: "steady", starts: 1}]}' \
    >"$scratch/$1.json"
}
image() { # HOST FOLDER: all of it, into a layout
  skopeo --policy "$scratch/policy.json" copy --quiet --all --src-tls-verify=false \
    "docker://$1/ci/multi:one" "oci:$scratch/$2:multi" 2>"$scratch/err" ||
    fail "$2: it cannot be pulled: $(cat "$scratch/err")"
}
hold() { # FOLDER: every byte is that of the image
  diff -r "$scratch/image/blobs" "$scratch/$1/blobs" >"$scratch/diff" ||
    fail "$1: other bytes: $(head -n 5 "$scratch/diff")"
}

# ---- a cache in front of ours ------------------------------------------------------------------
for auth in none token; do
  scenario "$auth"
  serve_begin "$auth" "$scratch/$auth.json" --files "$scratch/files-$auth" || finish
done
image "${serve_host[none]}" image
[ "$(find "$scratch/image/blobs" -type f | wc -l)" -ge 6 ] || fail "too few blobs to compare"
docker_begin none "proxy: {remoteurl: \"http://${serve_host[none]}\"}" || finish
login=$(jq -r '.auths[].auth' "$scratch/files-token/credentials/auth.json" | base64 -d)
docker_begin token "proxy: {remoteurl: \"http://${serve_host[token]}\"," \
  "  username: \"${login%%:*}\", password: \"${login#*:}\"}" || finish
for auth in none token; do
  image "${docker_host[$auth]}" "through-$auth"
  hold "through-$auth"
  client list-tags "docker://${docker_host[$auth]}/ci/multi" >"$scratch/tags" 2>"$scratch/err"
  [ "$(jq -c .Tags "$scratch/tags")" = '["one"]' ] || fail "tags through $auth: $(cat "$scratch/err")"
  serve_end "$auth"
  image "${docker_host[$auth]}" "kept-$auth"
  hold "kept-$auth"
done

# ---- ours, of what that one holds --------------------------------------------------------------
docker_begin origin || finish
skopeo --policy "$scratch/policy.json" copy --quiet --all --dest-tls-verify=false \
  "oci:$scratch/image:multi" "docker://${docker_host[origin]}/ci/multi:one" 2>"$scratch/err" ||
  fail "it cannot be pushed: $(cat "$scratch/err")"
serve_begin brought --image "docker://${docker_host[origin]}/ci/multi:one" || finish
image "${serve_host[brought]}" brought
hold brought

# ---- what is not there -------------------------------------------------------------------------
missing() { # HOST: what skopeo says, and how it ends, of tag, digest, repository and its tags
  look_for "$1" 2>&1 | sed -E "s/$1/HOST/g; s/^time=\"[^\"]*\" //"
}
look_for() { # HOST
  local digest what
  digest=sha256:$(printf '0%.0s' {1..64})
  for what in multi:none none:none "multi@$digest" "none@$digest"; do
    client inspect "docker://$1/ci/$what"
    echo "inspect $what: exit $?"
    client delete "docker://$1/ci/$what"
    echo "delete $what: exit $?"
  done
  client list-tags "docker://$1/ci/none"
  echo "list-tags: exit $?"
}
missing "${docker_host[origin]}" >"$scratch/theirs"
missing "${serve_host[brought]}" >"$scratch/ours"
[ "$(grep -c ': exit [1-9]' "$scratch/theirs")" = 9 ] || fail "not all of it was missing"
diff "$scratch/theirs" "$scratch/ours" >"$scratch/diff" || {
  fail "what is missing is told otherwise (<: by Docker's registry)"
  sed 's/^/    /' "$scratch/diff"
}
finish

# skopeo: copies to, within and from a registry, as they are and made over; an index with all it
# names; lists, and deletes.
. tests/clients/push.sh
verify=true
[ "$plain" = no ] || verify=false
copy() { # SOURCE DESTINATION OPTION...
  engine copy --quiet --src-tls-verify="$verify" --dest-tls-verify="$verify" "${@:3}" "$1" "$2"
}
look() { # REF
  engine inspect --raw --tls-verify="$verify" "docker://$host/$1" 2>>"$state/step.err" |
    digest_of_bytes
}

try push copy "oci:$short/layout:agent" "docker://$host/skopeo/agent:one"
tell push skopeo/agent:one "$(layout_digest agent)"
tell look skopeo/agent:one "$(look skopeo/agent:one)"
try again copy "oci:$short/layout:agent" "docker://$host/skopeo/agent:two"
try copy copy "docker://$host/skopeo/agent:one" "docker://$host/skopeo/copy:one"
tell copy skopeo/copy:one "$(layout_digest agent)"
try schema-2 copy "oci:$short/layout:agent" "docker://$host/skopeo/docker:one" --format v2s2
tell schema-2 skopeo/docker:one "$(look skopeo/docker:one)"
try zstd copy "oci:$short/layout:agent" "docker://$host/skopeo/zstd:one" --dest-compress-format zstd
tell zstd skopeo/zstd:one "$(look skopeo/zstd:one)"
try index copy "oci:$short/layout:multi" "docker://$host/skopeo/multi:one" --all
tell index skopeo/multi:one "$(layout_digest multi)"
try index-copy copy "docker://$host/skopeo/multi:one" "docker://$host/skopeo/multi-copy:one" --all
tell index-copy skopeo/multi-copy:one "$(layout_digest multi)"
try by-digest copy "docker://$host/skopeo/agent@$(layout_digest agent)" "oci:$short/back:agent"
tell by-digest skopeo/agent:one "$(digest_of "$state/back")"
try tags engine list-tags --tls-verify="$verify" "docker://$host/skopeo/agent"
echo "tags $(jq -c .Tags "$state/step.out")"
try sync engine sync --src docker --dest docker --src-tls-verify="$verify" \
  --dest-tls-verify="$verify" "$host/skopeo/agent" "$host/synced"
tell sync synced/agent:two "$(layout_digest agent)"
try zstd-back copy "docker://$host/skopeo/zstd:one" "oci:$short/back-zstd:agent"
try doomed copy "oci:$short/layout:agent" "docker://$host/skopeo/doomed:one"
try delete engine delete --tls-verify="$verify" "docker://$host/skopeo/doomed:one"
try deleted engine inspect --raw --tls-verify="$verify" "docker://$host/skopeo/doomed:one"
try delete-missing engine delete --tls-verify="$verify" "docker://$host/skopeo/doomed:one"

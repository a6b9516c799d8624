# containerd with ctr: what it took from one repository is pushed to others, an index with all it
# names, and pulled again.
. tests/clients/push.sh
taking=(--snapshotter native) options=(--plain-http)
if [ "$plain" = no ]; then
  # On a loopback address it speaks plain HTTP, unless a host says otherwise.
  printf 'server = "https://%s"\n[host."https://%s"]\n' "$host" "$host" \
    >"$config/hosts/$host/hosts.toml"
  options=(--hosts-dir "$config/hosts")
fi
[ -z "${PUSH_LOGIN:-}" ] || options+=(--user "$PUSH_LOGIN")
tar -C "$layout" -cf "$state/content.tar" .
digest_here() { # REF
  engine images ls "name==$host/$1" | grep -oE -m 1 'sha256:[0-9a-f]{64}'
}

try load engine images import --no-unpack --all-platforms --base-name "$host/ctr/load" \
  "$state/content.tar"
engine images tag "$host/ctr/load:agent" "$host/ctr/agent:one" >"$state/step.out"
engine images tag "$host/ctr/load:agent" "$host/ctr/copy:one" >"$state/step.out"
engine images tag "$host/ctr/load:multi" "$host/ctr/multi:one" >"$state/step.out"
try push engine images push "${options[@]}" "$host/ctr/agent:one"
tell push ctr/agent:one "$(digest_here ctr/agent:one)"
try again engine images push "${options[@]}" "$host/ctr/agent:one"
try other engine images push "${options[@]}" "$host/ctr/copy:one"
tell other ctr/copy:one "$(digest_here ctr/copy:one)"
try index engine images push "${options[@]}" "$host/ctr/multi:one"
tell index ctr/multi:one "$(layout_digest multi)"
prepare
try pull engine images pull "${taking[@]}" "${options[@]}" "$host/ctr/agent:one"
tell pull ctr/agent:one "$(digest_here ctr/agent:one)"
try pull-missing engine images pull "${taking[@]}" "${options[@]}" "$host/ctr/agent:none"

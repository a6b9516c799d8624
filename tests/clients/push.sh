# What the pushes of all clients share: sourced behind a client of scenarios/clients/, whose lane is
# ready. Each step prints lines: "WHAT exit N", and of what it pushed or took "WHAT REF DIGEST", the
# digest as the client has it. PUSH_HOST is the registry, PUSH_LAYOUT a layout of what is pushed:
# `agent`, and the index `multi`; PUSH_SOURCE a registry that holds it as ci/agent:one.
set +e
host=$PUSH_HOST layout=$state/layout
cp -r "$PUSH_LAYOUT" "$layout" # whose name is $short/layout for those who take no capitals

# try WHAT COMMAND...: its output is kept, and told where it fails.
try() {
  local what=$1 status
  shift
  "$@" >"$state/step.out" 2>"$state/step.err" </dev/null
  status=$?
  echo "$what exit $status"
  [ "$status" = 0 ] || sed "s/^/  $client: $what: /" "$state/step.err" | head -n 6 >&2
  return "$status"
}

tell() { # WHAT REF DIGEST
  echo "$1 $2 ${3:-none}"
}

# Of the layout: what its index says of NAME.
layout_digest() { # NAME
  jq -r --arg name "$1" '.manifests[] |
    select(.annotations["org.opencontainers.image.ref.name"] == $name) | .digest' \
    "$layout/index.json"
}

# Of the bytes on stdin.
digest_of_bytes() {
  printf 'sha256:%s\n' "$(sha256sum | cut -d' ' -f1)"
}

#!/usr/bin/env bash
# release only: what the clients do is theirs
# Round trips with the clients people use, each as a machine of its own (scenarios/clients/): over
# plain HTTP and over TLS, with and without tokens. What was pulled has the digest that was planned,
# and the agent in it runs; a cold machine asks for everything again, a warm one for next to nothing,
# and has worked all the same. A client that is not installed here is passed over, and said so.
. tests/lib/clients.sh

# pull-and-look CLIENT REF: one start.
cat >"$scratch/pull-and-look" <<'S'
#!/usr/bin/env bash
set -euo pipefail
client=$1 ref=$2
"$client" pull "$ref"
digest=$("$client" inspect "$ref")
[ "$digest" = "$PULLDRILL_IMAGE_AGENT_DIGEST" ] || { echo "it has $digest"; exit 1; }
data=$PULLDRILL_LANE_DIR/$(basename "$(dirname "$client")")/data
if [ -d "$PULLDRILL_START_DIR/layout" ]; then
  data=$PULLDRILL_START_DIR/root
  mkdir "$data"
  for blob in "$PULLDRILL_START_DIR"/layout/blobs/sha256/*; do
    tar -xzf "$blob" -C "$data" 2>"$PULLDRILL_START_DIR/err" || true
  done
fi
agent=$(find "$data" -path '*/usr/local/bin/agent' | head -n 1)
"$agent" --version
S
chmod +x "$scratch/pull-and-look"

find_clients

# trip NAME REACH AUTH CACHE: a drill with two starts of each client.
trip() {
  local name=$1 status start
  client_scenario "$2" "$3" "$4" "$scratch/pull-and-look" >"$scratch/$name.json"
  "$PULLDRILL" run "$scratch/$name.json" -q --out "$scratch/$name" >"$scratch/out" \
    2>"$scratch/err" </dev/null
  status=$?
  if [ "$status" = 77 ]; then
    echo "skip: $name: $(grep -m1 'why:' "$scratch/out")"
    return 1
  fi
  history=$(echo "$scratch/$name"/*/history.jsonl)
  [ "$status" = 0 ] || {
    fail "$name: exit $status"
    sed 's/^/    /' "$scratch/out" | head -n 60
    return 1
  }
  for start in $(seq $((2 * ${#clients[@]}))); do
    expect_text "$(dirname "$history")/starts/$start.txt" '^agent [0-9]' "$name: the agent runs"
  done
}

# asked: of each start, what it asked for of the image, one line: CLIENT first|second OPERATION...
asked() {
  jq -rs '[.[] | select(.event == "start-begin" and (.control | not))] as $starts
    | [.[] | select(.event == "request" and (.op | test("^(manifest|blob)-")))] as $requests
    | $starts | group_by(.subject)[] | to_entries[] | .key as $k | .value as $s
    | [$s.subject, if $k == 0 then "first" else "second" end]
      + ([$requests[] | select(.start == $s.start) | .op] | sort) | join(" ")' "$history"
}

# A cold machine asks for the manifest and three blobs, each time.
trip plain ports none cold && {
  asked >"$scratch/asked"
  for name in "${clients[@]}"; do
    expect_text "$scratch/asked" "^$name first .*blob-get blob-get blob-get.* manifest-get" "cold"
    expect_text "$scratch/asked" "^$name second .*blob-get blob-get blob-get.* manifest-get" "cold"
  done
}

# A warm one asks whether the tag still stands for what it has. skopeo keeps nothing: its layout is
# the start's.
trip plain-tokens ports token warm && {
  asked >"$scratch/asked"
  for name in "${clients[@]}"; do
    case $name in
      skopeo) continue ;;
      ctr | docker) wanted='( manifest-head)+' ;;
      *) wanted='( blob-get)? manifest-get' ;;
    esac
    expect_text "$scratch/asked" "^$name second$wanted\$" "warm"
  done
}
trip tls names none warm
trip tls-tokens names token cold
finish

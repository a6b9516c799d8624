#!/usr/bin/env bash
# Drills of the clients of scenarios/clients/ that are installed here: to be sourced, with what
# check.sh gives. What is not here is passed over, and said so; their names are in clients.
. tests/lib/check.sh

clients=()
find_clients() {
  local name
  for name in skopeo podman buildah ctr docker; do
    if [ "$name" != skopeo ] && [ "$(id -u)" != 0 ]; then
      echo "skip: $name: needs root"
    elif PULLDRILL_LANE_DIR=$scratch/lane "scenarios/clients/$name/client" describe \
      >"$scratch/out" 2>"$scratch/err"; then
      jq -e --arg name "$name" '.client == $name and (.version | test("^[0-9]+\\.[0-9]"))' \
        "$scratch/out" >"$scratch/null" || fail "describe of $name: $(cat "$scratch/out")"
      clients+=("$name")
    else
      [ $? = 77 ] || fail "describe of $name fails: $(cat "$scratch/err")"
      echo "skip: $(tail -n 1 "$scratch/err")"
    fi
  done
  [ "${#clients[@]}" -gt 0 ] || finish
}

# client_scenario REACH AUTH CACHE COMMAND: of every client, COMMAND CLIENT REFERENCE being a start;
# two starts each.
client_scenario() {
  local plain=no
  [ "$1" = names ] || plain=yes
  jq -n --arg command "$4" --arg clients "$PWD/scenarios/clients" --arg reach "$1" --arg auth "$2" \
    --arg cache "$3" --arg plain "$plain" '{
    version: 1, title: "Round trips", seed: 7, limit: "4m",
    registries: {primary: ({auth: $auth} + if $reach == "names" then {names: ["quay.io"]}
      else {} end)},
    images: {agent: {ref: "codeship/agent:stable", layers: [{size: "16KiB",
      files: {"usr/local/bin/agent": "${subjects.dir}/agent"}}, "64KiB"]}},
    subjects: ([$ARGS.positional[] | {key: ., value: {
      command: [$command, "\($clients)/\(.)/client", "${registry.primary}/${image.agent}"],
      setup: ["\($clients)/\(.)/client", "setup"],
      prepare: ["\($clients)/\(.)/client", "prepare"],
      teardown: ["\($clients)/\(.)/client", "teardown"],
      env: {CLIENT_ORIGIN: "${registry.primary}", CLIENT_PLAIN_HTTP: $plain, CLIENT_CACHE: $cache,
        CLIENT_LOGIN: (if $auth == "none" then "" else "primary" end)},
      reach: $reach, cache: $cache, timeout: "90s"}}] | from_entries),
    phases: [{name: "steady", starts: 2}],
    expect: [{check: "starts-succeed"}, {check: "same-digest", image: "agent"}]
  }' --args "${clients[@]}"
}

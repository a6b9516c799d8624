#!/usr/bin/env bash
# Docker's own registry, beside ours and in front of it: to be sourced behind check.sh.
declare -A docker_pid docker_host

# docker_begin NAME [LINE...]: waits until it listens. LINEs go into its configuration; its address
# is ${docker_host[NAME]}, what it is asked for in $scratch/docker.NAME.asked.
docker_begin() {
  local name=$1 at=$scratch/docker.$1 line host said
  shift
  {
    echo 'version: 0.1'
    echo 'log: {level: info, fields: {service: registry}}'
    echo "storage: {filesystem: {rootdirectory: $at.store}, delete: {enabled: true}}"
    echo 'http: {addr: "127.0.0.1:0"}'
    printf '%s\n' "$@"
  } >"$at.yml"
  mkfifo "$at.fifo"
  docker-registry serve "$at.yml" >"$at.asked" 2>"$at.fifo" </dev/null &
  docker_pid[$name]=$!
  exec {said}<"$at.fifo"
  while read -r -t 60 -u "$said" line; do
    echo "$line" >>"$at.err"
    host=$(grep -oE 'listening on 127\.0\.0\.1:[0-9]+' <<<"$line" | cut -d' ' -f3)
    [ -z "$host" ] || break
  done
  cat <&"$said" >>"$at.err" &
  exec {said}<&-
  docker_host[$name]=${host:-}
  [ -n "${host:-}" ] || {
    fail "docker-registry $name does not begin: $(cat "$at.err")"
    return 1
  }
}

docker_end() { # NAME
  [ -z "${docker_pid[$1]:-}" ] || kill "${docker_pid[$1]}" 2>"$scratch/null"
  unset "docker_pid[$1]"
}

docker_end_all() {
  local name
  for name in "${!docker_pid[@]}"; do docker_end "$name"; done
}

#!/usr/bin/env bash
# Registries of `pulldrill serve` for the length of a script: to be sourced behind check.sh.
declare -A serve_pid serve_host serve_out
trap 'serve_end_all; rm -rf "$scratch"' EXIT

# serve_begin NAME OPTION...: waits for its ready line; the address is ${serve_host[NAME]}.
serve_begin() {
  local name=$1 line
  shift
  mkdir -p "$scratch/serve"
  exec {out}< <(exec "$PULLDRILL" serve -q "$@" 2>"$scratch/serve/$name.err" </dev/null)
  serve_pid[$name]=$!
  serve_out[$name]=$out
  while read -r -t 60 -u "$out" line; do
    case $line in
      'primary '*) serve_host[$name]=${line#primary } ;;
      ready) return 0 ;;
    esac
  done
  fail "serve $*: never ready: $(cat "$scratch/serve/$name.err")"
  return 1
}

# It ends by SIGTERM, and well.
serve_end() { # NAME
  local pid=${serve_pid[$1]:-} out=${serve_out[$1]:-} status
  [ -n "$pid" ] || return 0
  kill "$pid" 2>"$scratch/null"
  wait "$pid"
  status=$?
  exec {out}<&-
  unset "serve_pid[$1]"
  [ "$status" = 0 ] || fail "serve $1: exit $status: $(tail -n 5 "$scratch/serve/$1.err")"
}

serve_end_all() {
  local name
  for name in "${!serve_pid[@]}"; do serve_end "$name"; done
}

# shellcheck shell=bash disable=SC2034,SC2154 # run.sh sets and uses what these share
# What is no request: becoming ready, memory, judging, what a drill adds to its subjects. Sourced by
# run.sh.

stalled=15000
events=1000000
starts=1000
lanes=2

now_ms() { echo $(($(date +%s%N) / 1000000)); }

measure_ready() {
  local ready idle
  read -r ready idle < <(
    "$bench/bench_ready" 21 "$O/pulldrill" serve --registry primary 2>/dev/null
  ) || cannot "serve is never ready"
  sample ready "$ready"
  sample idle "$idle"
}

# What a connection costs the server PID that waits behind its head, and how many had their answer
# once SIGUSR1 healed it.
hold() { # NAME PORT PID [--tls]
  local name=$1 each released
  shift
  read -r each released < <(
    "$bench/bench_stall" "$1" "$manifest" "$2" "$stalled" "${@:3}"
  ) || cannot "connections were not stalled ($name)"
  sample "$name.each" "$each"
  sample "$name.released" "$released"
}

# nginx knows no stall: its connections are idle behind their answer. Each has a fresh one, for
# what was freed would be used again.
measure_memory() {
  [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((stalled + 100)) ] ||
    cannot "only $(ulimit -Hn) descriptors: $stalled connections need more (ulimit -Hn)"
  serve_ours stall --stall
  hold stall "$stall_port" "$stall_pid"
  kill "$stall_pid"
  serve_ours stall_tls --stall --tls
  hold stall_tls "$stall_tls_port" "$stall_tls_pid" --tls
  kill "$stall_tls_pid"
  serve_nginx
  hold nginx "${nginx_url##*:}" "$nginx_pid"
  kill "$nginx_pid"
  serve_nginx
  hold nginx_tls "${nginx_tls_url##*:}" "$nginx_pid" --tls
  kill "$nginx_pid"
}

scenario() { # STARTS
  cat <<JSON
{
  "version": 1, "title": "The bench", "seed": 1,
  "registries": {"primary": {}, "failover": {}},
  "images": {"agent": {"ref": "ci/agent:stable", "layers": ["4KiB"]}},
  "subjects": {"puller": {
    "command": ["\${subjects.dir}/build-start", "--policy", "failover", "--primary",
                "\${registry.primary}", "--failover", "\${registry.failover}", "\${image.agent}"],
    "timeout": "60s", "concurrency": $lanes}},
  "phases": [{"name": "steady", "starts": $1}],
  "expect": [
    {"check": "starts-succeed"}, {"check": "same-digest", "image": "agent"},
    {"check": "served-by", "registry": "primary", "min": "100%"},
    {"check": "attempts-per-start", "registry": "primary", "max": 100},
    {"check": "start-seconds", "p95": "30s"}]
}
JSON
}

# The same command as often, as many at a time, on a registry that writes its history; nothing but
# it is executed.
plain_starts() {
  local folder=$work/starts
  mkdir "$folder"
  local -x PULLDRILL_RESULT=$folder/result.json PULLDRILL_START_DIR=$folder
  seq "$starts" | xargs -P "$lanes" -I{} "$O/subjects/build-start" --policy failover \
    --primary "${on_url#http://}" --failover "${on_url#http://}" ci/agent:stable \
    >"$folder/out" 2>&1
}

# Runs COMMAND, and keeps as samples of NAME how long a start of it took, and of NAME.cpu how much
# of the processors' time, in ms. A lane runs one start after the other: what a start takes there is
# LANES times its share.
clock_starts() { # NAME COMMAND…
  local name=$1 TIMEFORMAT='%R %U %S' real user system
  shift
  { time "$@" >"$work/$name.out" 2>&1; } 2>"$work/$name.time" ||
    cannot "$name failed: $(tail -n 5 "$work/$name.out")"
  read -r real user system <"$work/$name.time"
  sample "$name" "$(divide "$(awk -v t="$real" -v n="$lanes" 'BEGIN { print t * n * 1000 }')" \
    "$starts")"
  sample "$name.cpu" "$(divide "$(awk -v u="$user" -v s="$system" \
    'BEGIN { print (u + s) * 1000 }')" "$starts")"
}

# Of the drill's time that of its phase counts: what follows is the control start, the subject's own.
measure_drill() {
  scenario "$starts" >"$work/bench.json"
  clock_starts whole "$O/pulldrill" run --out "$work/drill" "$work/bench.json"
  clock_starts plain plain_starts
  sample drill "$(grep -h '"event":"phase-' "$work"/drill/*/history.jsonl |
    jq -s --argjson n "$starts" --argjson lanes "$lanes" \
      '(.[1].t_ns - .[0].t_ns) / 1000000 * $lanes / $n')"
}

measure_judge() {
  local begun
  "$bench/bench_history" "$work"/drill/*/history.jsonl "$work/long.jsonl" "$events" ||
    cannot "no long history"
  for _ in $(seq "$runs"); do
    begun=$(now_ms)
    "$O/pulldrill" judge "$work/long.jsonl" >"$work/judge.out" 2>&1 || true
    sample judge "$(divide $(($(now_ms) - begun)) 1000)"
  done
  tail -n 1 "$work/judge.out" | grep -q pass || cannot "the long history is no pass: \
$(tail -n 3 "$work/judge.out")"
}

held_rows() { # BEFORE OURS THEIRS AIM
  row "$1a stalled connection, KiB" "" "$(printf '%.2f**' \
    "$(divide "$(median "$3.each")" 1024)")" "" "$(divide "$(median "$2.each")" 1024)" "at most" "$4"
  row "$1released at the heal" "" "" "" "$(median "$2.released")" "at least" "$stalled"
}

report_life() {
  local added cpu
  added=$(awk -v a="$(median drill)" -v b="$(median plain)" 'BEGIN { printf "%.2f", a - b }')
  cpu=$(awk -v a="$(median whole.cpu)" -v b="$(median plain.cpu)" 'BEGIN { printf "%.2f", a - b }')
  heading "" "" "" measured
  row "serve: ready, ms from exec" "" "" "" "$(median ready)" "at most" 20
  row "serve: idle memory, MiB" "" "" "" "$(divide "$(median idle)" 1024)" "at most" 16
  held_rows "" stall nginx 8
  held_rows "TLS: " stall_tls nginx_tls 20
  row "judging $(wc -l <"$work/long.jsonl") events, s" "" "" "" "$(median judge)" "at most" 5
  row "a drill adds to a start, ms" "$(printf %.2f "$(median drill)")" \
    "$(printf %.2f "$(median plain)")*" "" "$added" "at most" "5  (CPU: $cpu)"
  echo "* the same command without a drill, $lanes at a time; ** nginx, an idle one"
}

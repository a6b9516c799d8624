# What is no request: becoming ready, memory, judging, what a drill adds to its subjects. Sourced by
# run.sh.

stalled=15000
events=1000000
starts=1000
lanes=2

now_ms() { echo $(($(date +%s%N) / 1000000)); }

measure_ready() {
  sample ready "$("$bench/bench_ready" 21 "${ready[@]}")" || cannot "no ready line"
}

measure_memory() {
  local idle each released
  [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((stalled + 100)) ] ||
    cannot "only $(ulimit -Hn) descriptors: $stalled connections need more (ulimit -Hn)"
  serve_ours stall --stall
  read -r idle each released < <(
    "$bench/bench_stall" "$stall_port" "$manifest" "$stall_pid" "$stalled"
  ) || cannot "connections were not stalled"
  sample idle "$idle"
  sample each "$each"
  sample released "$released"
  kill "$stall_pid"
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

# The same command as often, as many at a time, on a registry that writes its history.
plain_starts() {
  export PULLDRILL_START_DIR=$work/starts
  mkdir -p "$work/starts"
  seq "$starts" | xargs -P "$lanes" -I{} sh -c '
    mkdir "$1/{}" && cd "$1/{}" && exec env PULLDRILL_RESULT="$1/{}/result.json" \
      PULLDRILL_START_DIR="$1/{}" "$2/subjects/build-start" --policy failover --primary "$3" \
      --failover "$3" ci/agent:stable >"$1/{}/out" 2>&1' - "$work/starts" "$O" "${on_url#http://}"
}

measure_drill() {
  local begun between
  scenario "$starts" >"$work/bench.json"
  begun=$(now_ms)
  "$O/pulldrill" run --out "$work/drill" "$work/bench.json" >"$work/drill.out" 2>&1 ||
    cannot "the drill failed: $(tail -n 5 "$work/drill.out")"
  between=$(now_ms)
  plain_starts || cannot "the subject failed: $(cat "$work"/starts/*/out | tail -n 3)"
  # A lane runs one start after the other: what a start takes there is LANES times its share.
  sample drill "$(divide $(((between - begun) * lanes)) "$starts")"
  sample plain "$(divide $((($(now_ms) - between) * lanes)) "$starts")"
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

report_life() {
  local added
  added=$(awk -v a="$(median drill)" -v b="$(median plain)" 'BEGIN { printf "%.2f", a - b }')
  heading "" "" "" measured
  row "ready, ms from exec" "" "" "" "$(median ready)" "at most" 20
  row "idle memory, MiB" "" "" "" "$(divide "$(median idle)" 1024)" "at most" 16
  row "a stalled connection, KiB ($stalled)" "" "" "" "$(divide "$(median each)" 1024)" "at most" 8
  row "released at the heal" "" "" "" "$(median released)" "at least" "$stalled"
  row "judging $(wc -l <"$work/long.jsonl") events, s" "" "" "" "$(median judge)" "at most" 5
  row "a drill adds to a start, ms" "$(printf %.2f "$(median drill)")" \
    "$(printf %.2f "$(median plain)")*" "" "$added" "at most" 5
  echo "* the same command without a drill, $lanes at a time"
}

#!/usr/bin/env bash
# Manifest GETs a second, the history on, beside nginx with the same bytes as a static file: medians
# of interleaved runs, and their ratio. O is the build's folder (build/release).
set -euo pipefail
O=${O:-build/release}
runs=${RUNS:-3}
seconds=${SECONDS_EACH:-6}

for need in nginx:nginx-light wrk:wrk; do
  command -v "${need%%:*}" >/dev/null || {
    echo "bench: ${need%%:*} is missing; install the Debian package ${need##*:}" >&2
    exit 3
  }
done
[ -x "$O/tests/bench/bench_server" ] || {
  echo "bench: $O/tests/bench/bench_server is missing; run make bench" >&2
  exit 3
}

work=$(mktemp -d)
server=""
nginx=""
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

"$O/tests/bench/bench_server" "$work/history.jsonl" >"$work/port" &
server=$!
for _ in $(seq 200); do
  [ -s "$work/port" ] && break
  kill -0 "$server" 2>/dev/null || { echo "bench: bench_server ended" >&2; exit 3; }
  sleep 0.05
done
ours="http://127.0.0.1:$(cat "$work/port")/v2/ci/agent/manifests/stable"

mkdir -p "$work/www/v2/ci/agent/manifests"
curl -fsS "$ours" -o "$work/www/v2/ci/agent/manifests/stable"

# nginx cannot be asked for a free port: some are tried.
start_nginx() {
  cat >"$work/nginx.conf" <<CONF
worker_processes 1;
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $work/t1;
  proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  default_type application/vnd.oci.image.manifest.v1+json;
  sendfile on;
  keepalive_requests 100000000;
  open_file_cache max=10;
  server { listen 127.0.0.1:$1; root $work/www; }
}
CONF
  nginx -c "$work/nginx.conf" -p "$work" 2>>"$work/nginx.err" &
  nginx=$!
  for _ in $(seq 100); do
    kill -0 "$nginx" 2>/dev/null || { nginx=""; return 1; }
    if curl -fsS "http://127.0.0.1:$1/v2/ci/agent/manifests/stable" -o "$work/got" 2>/dev/null &&
      cmp -s "$work/got" "$work/www/v2/ci/agent/manifests/stable"; then
      return 0
    fi
    sleep 0.05
  done
  kill "$nginx" 2>/dev/null || true
  nginx=""
  return 1
}
for port in 28080 28481 29082 29583 30184; do
  start_nginx "$port" && break
done
[ -n "$nginx" ] || { echo "bench: nginx did not start:" >&2; cat "$work/nginx.err" >&2; exit 3; }
theirs="http://127.0.0.1:$port/v2/ci/agent/manifests/stable"

measure() {
  wrk -t1 -c32 -d"${seconds}s" "$1" >"$work/wrk"
  if grep -Eq 'Non-2xx|Socket errors' "$work/wrk"; then
    echo "bench: errors while measuring $1:" >&2
    cat "$work/wrk" >&2
    exit 3
  fi
  awk '/^Requests\/sec:/ { print $2 }' "$work/wrk"
}
for _ in $(seq "$runs"); do
  measure "$ours" >>"$work/ours"
  measure "$theirs" >>"$work/theirs"
done

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
a=$(median "$work/ours")
b=$(median "$work/theirs")
bytes=$(wc -c <"$work/www/v2/ci/agent/manifests/stable")
echo "manifest GETs a second ($bytes bytes, wrk -t1 -c32, median of $runs runs of ${seconds} s)"
printf '  %-28s %10.0f\n' "pulldrill, history on" "$a" "nginx, 1 worker, static file" "$b"
awk -v a="$a" -v b="$b" 'BEGIN { printf "  %-28s %10.2f\n", "ratio (aim: at least 0.80)", a / b }'

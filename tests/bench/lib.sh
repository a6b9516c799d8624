# shellcheck shell=bash disable=SC2034,SC2154 # run.sh sets and uses what these share
# What the parts of the bench share: samples, medians, the table, nginx and docker-registry. Sourced
# by run.sh, which sets O (the build's folder), work (a folder of its own), runs and seconds.
bench=$O/tests/bench
running=()

cannot() {
  echo "bench: $*" >&2
  exit 3
}

finish() {
  [ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}

# ---- samples and the table ------------------------------------------------------------------

sample() { echo "$2" >>"$work/sample.$1"; }
middle() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
median() { middle <"$work/sample.$1"; }
# The median of the ratios of samples that were taken one behind the other: what else the machine
# did then met both.
ratio() {
  paste "$work/sample.$1" "$work/sample.$2" |
    awk '{ printf "%.4f\n", ($2 > 0 ? $1 / $2 : 0) }' | middle
}
divide() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f", (b > 0 ? a / b : 0) }'; }

heading() {
  printf '%-36s %10s %10s %10s %10s  %s\n' "$1" pulldrill "$2" "$3" "${4:-ratio}" aim
}
# row WHAT OURS THEIRS THIRD VALUE "at least|at most" AIM: VALUE is held against AIM.
missed=0
row() {
  local verdict
  verdict=$(awk -v v="$5" -v how="$6" -v aim="$7" \
    'BEGIN { met = how == "at least" ? v + 0 >= aim + 0 : v + 0 <= aim + 0
      print how == "no aim" || met ? "" : "MISSED" }')
  printf '%-36s %10s %10s %10s %10.2f  %s %s %s\n' "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$verdict"
  [ -z "$verdict" ] || missed=$((missed + 1))
}

# ---- servers --------------------------------------------------------------------------------

# Waits until COMMAND works; PID is what it waits for.
await() { # PID WHAT COMMAND…
  local pid=$1 what=$2
  shift 2
  for _ in $(seq 400); do
    "$@" >/dev/null 2>&1 && return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.025
  done
  cannot "$what did not come up"
}

# Starts a bench_server: NAME_pid, NAME_port, NAME_url, and NAME_paths of its manifest, its blob and
# the blob in a file.
serve_ours() { # NAME OPTION…
  local name=$1 scheme=http port paths
  shift
  case " $* " in *" --tls "*) scheme=https ;; esac
  "$bench/bench_server" "$@" >"$work/$name.ready" &
  local pid=$!
  running+=("$pid")
  await "$pid" "bench_server ($name)" test -s "$work/$name.ready" || cannot "bench_server ended"
  read -r port paths <"$work/$name.ready"
  printf -v "${name}_pid" %s "$pid"
  printf -v "${name}_port" %s "$port"
  printf -v "${name}_paths" %s "$paths"
  printf -v "${name}_url" %s "$scheme://127.0.0.1:$port"
}

# The same bytes as static files: one worker, no log. Where sendfile helps and where it holds up
# differs by size and machine: one port has it, one has not.
write_nginx_conf() { # PORT TLS-PORT COPYING-PORT
  cat >"$work/nginx.conf" <<CONF
worker_processes 1;
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log warn;
worker_rlimit_nofile 32768;
events { worker_connections 32768; }
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
  keepalive_timeout 10m;
  open_file_cache max=10;
  ssl_certificate $work/nginx.crt;
  ssl_certificate_key $work/nginx.key;
  ssl_protocols TLSv1.3;
  server { listen 127.0.0.1:$1; listen 127.0.0.1:$2 ssl; root $work/www; }
  server { listen 127.0.0.1:$3; root $work/www; sendfile off; }
}
CONF
}

# Whatever listens there would be measured in the place of what is begun.
taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# nginx cannot be asked for a free port: some are tried.
serve_nginx() {
  local port pid
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj /CN=127.0.0.1 -keyout "$work/nginx.key" -out "$work/nginx.crt" 2>"$work/openssl.log"
  for port in 28080 28481 29082 29583 30184; do
    taken "$port" && continue
    write_nginx_conf "$port" $((port + 1)) $((port + 2))
    nginx -c "$work/nginx.conf" -p "$work" 2>>"$work/nginx.err" &
    pid=$!
    if await "$pid" nginx same_bytes "http://127.0.0.1:$port$manifest"; then
      running+=("$pid")
      nginx_pid=$pid
      nginx_url=http://127.0.0.1:$port
      nginx_tls_url=https://127.0.0.1:$((port + 1))
      nginx_copying_url=http://127.0.0.1:$((port + 2))
      return 0
    fi
  done
  cannot "nginx did not start: $(tail -n 3 "$work/nginx.err")"
}
same_bytes() { curl -fs "$1" | cmp -s - "$work/www$manifest"; }

# Debian's docker-registry, as it comes: on disk, with its log off.
serve_registry() {
  local port pid
  for port in 28090 28491 29092 29593 30194; do
    taken "$port" && continue
    cat >"$work/registry.yml" <<CONF
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}, cache: {blobdescriptor: inmemory}}
http: {addr: 127.0.0.1:$port}
CONF
    docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    pid=$!
    if await "$pid" docker-registry curl -fs "http://127.0.0.1:$port/v2/"; then
      running+=("$pid")
      registry_pid=$pid
      registry_url=http://127.0.0.1:$port
      return 0
    fi
  done
  cannot "docker-registry did not start: $(tail -n 3 "$work/registry.log")"
}

# Gives it a blob of ours, or the manifest.
push_blob() { # PATH
  local digest=${1##*/} to
  to=$(curl -fsS -X POST -D - -o /dev/null "$registry_url/v2/ci/agent/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  curl -fsS -X PUT -H 'Content-Type: application/octet-stream' -o /dev/null \
    --data-binary "@$work/www$1" "$to&digest=$digest"
}
push_manifest() {
  curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' -o /dev/null \
    --data-binary "@$work/www$manifest" "$registry_url$manifest"
}

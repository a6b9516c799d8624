# shellcheck shell=bash disable=SC2034,SC2154 # run.sh sets and uses what these share
# Requests and bytes a second, beside nginx and docker-registry. Sourced by run.sh.

ticks=$(getconf CLK_TCK)
manifest_type=application/vnd.oci.image.manifest.v1+json
cpu_of() { awk '{ print $14 + $15 }' "/proc/$1/stat" 2>/dev/null || cannot "a server ended"; }

# One run of wrk, kept as samples of NAME: requests a second, and the server's time a request in
# microseconds.
load() { # NAME PID CONNECTIONS URL
  local before after out=$work/wrk
  before=$(cpu_of "$2")
  wrk -t1 -c"$3" -d"${seconds}s" -H "Accept: $manifest_type" "$4" >"$out" || cannot "wrk failed on $4"
  after=$(cpu_of "$2")
  if grep -Eq 'Non-2xx|Socket errors' "$out"; then
    cannot "errors while measuring $4: $(cat "$out")"
  fi
  sample "$1" "$(awk '/^Requests\/sec:/ { print $2 }' "$out")"
  sample "$1.cpu" "$(awk -v t=$((after - before)) -v hz="$ticks" \
    '/requests in/ { printf "%.3f", ($1 > 0 ? t * 1e6 / hz / $1 : 0) }' "$out")"
}

open_servers() {
  serve_ours off --blob "$blob_bytes" --folder "$work"
  read -r manifest blob file <<<"$off_paths"
  for path in "$manifest" "$blob" "$file"; do
    mkdir -p "$work/www${path%/*}"
    curl -fsS "$off_url$path" -o "$work/www$path" || cannot "$path cannot be had"
  done
  local config layer
  config=$(jq -r .config.digest "$work/www$manifest")
  layer=$(jq -r '.layers[0].digest' "$work/www$manifest")
  for path in "$config" "$layer"; do
    curl -fsS "$off_url/v2/ci/agent/blobs/$path" -o "$work/www/v2/ci/agent/blobs/$path"
  done
  serve_ours rules --rules 100
  serve_ours on --history "$work/history.jsonl"
  serve_ours tls --tls --blob "$blob_bytes"
  serve_nginx
  serve_registry
  for path in "$config" "$layer" "${blob##*/}"; do
    push_blob "/v2/ci/agent/blobs/$path"
  done
  push_manifest
}

# The servers take turns, each beside those that it is held against.
measure_http() {
  for _ in $(seq "$runs"); do
    load rules "$rules_pid" 32 "$rules_url$manifest"
    load off "$off_pid" 32 "$off_url$manifest"
    load nginx "$nginx_pid" 32 "$nginx_url$manifest"
    load copying "$nginx_pid" 32 "$nginx_copying_url$manifest"
    load on "$on_pid" 32 "$on_url$manifest"
    load registry "$registry_pid" 32 "$registry_url$manifest"
    load memory "$off_pid" 4 "$off_url$blob"
    load nginx-blob "$nginx_pid" 4 "$nginx_url$blob"
    load copying-blob "$nginx_pid" 4 "$nginx_copying_url$blob"
    load disk "$off_pid" 4 "$off_url$file"
    load registry-blob "$registry_pid" 4 "$registry_url$blob"
    load tls "$tls_pid" 32 "$tls_url$manifest"
    load nginx-tls "$nginx_pid" 32 "$nginx_tls_url$manifest"
    load tls-blob "$tls_pid" 4 "$tls_url$blob"
    load nginx-tls-blob "$nginx_pid" 4 "$nginx_tls_url$blob"
  done
}

# http_row WHAT OURS THEIRS THIRD AIM: "-" as AIM is none.
http_row() {
  local a b c=- cpu
  a=$(median "$2")
  b=$(median "$3")
  [ "$4" = - ] || c=$(printf %.0f "$(median "$4")")
  cpu=$(ratio "$2.cpu" "$3.cpu")
  local how="at least" aim=$5
  [ "$5" != - ] || how="no aim" aim=
  row "$1" "$(printf %.0f "$a")" "$(printf %.0f "$b")" "$c" "$(ratio "$2" "$3")" "$how" \
    "$aim  (CPU a request: $(printf %.2f "$cpu"))"
}

report_http() {
  echo "Requests a second (manifest of $(wc -c <"$work/www$manifest") bytes, 32 connections;" \
    "blob of $((blob_bytes >> 20)) MiB, 4 connections)"
  heading "" nginx docker-r.
  http_row "manifest, history off" off nginx registry 1.0
  http_row "  nginx without sendfile" off copying - -
  http_row "manifest, history on" on nginx registry 0.8
  http_row "  nginx without sendfile" on copying - -
  http_row "blob from memory" memory nginx-blob registry-blob 1.5
  http_row "  nginx without sendfile" memory copying-blob - -
  http_row "blob from disk" disk nginx-blob registry-blob 0.9
  http_row "  nginx without sendfile" disk copying-blob - -
  http_row "TLS: manifest" tls nginx-tls - 0.8
  http_row "TLS: blob from memory" tls-blob nginx-tls-blob - 0.8
  heading "" "itself*" -
  http_row "manifest, 100 armed rules" rules off - 0.9
  echo "* with no rule armed; both with the history off"
}

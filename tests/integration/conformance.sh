#!/usr/bin/env bash
# What the OCI distribution specification asks of a registry, played from tests/conformance/ against
# `serve`: in memory and on disk, plain and with TLS, with a password, in sha256 and in sha512; and
# what was pushed to the disk is all there when it is opened again.
. tests/lib/check.sh
. tests/lib/serve.sh
dialogue=${PULLDRILL%/*}/tests/conformance/dialogue
[ -x "$dialogue" ] || { echo "FAIL: $dialogue is not built"; exit 1; }

# On memory for a disk, where there is one: that what is written is safe is shown elsewhere, and a
# thousand times fsync would take most of the time.
folder=$(mktemp -d -p /dev/shm 2>"$scratch/null") || folder=$scratch
trap 'serve_end_all; rm -rf "$scratch" "$folder"' EXIT

play() { # NAME OPTION... HOST: all of them
  local name=$1
  shift
  "$dialogue" --prefix "c/$name" "$@" tests/conformance/*.txt >"$scratch/$name.out" \
    2>"$scratch/$name.err" </dev/null
}

held() { # NAME PID
  wait "$2" || {
    fail "$1: $(tail -n 1 "$scratch/$1.out") $(cat "$scratch/$1.err")"
    head -n 20 "$scratch/$1.out" | sed 's/^/    /'
  }
  grep -qE '^[1-9][0-9]{2,} answers, 0 failures$' "$scratch/$1.out" || fail "$1: not all was played"
}

# all_of HOST CURL-OPTION...: every tag of every repository, and what its manifest is.
all_of() {
  local host=$1 repository
  shift
  curl -sS "$@" "https://$host/v2/_catalog?n=1000" | jq -r '.repositories[]' | sort |
    while read -r repository; do
      curl -sS "$@" "https://$host/v2/$repository/tags/list" | jq -r '.tags[]?' |
        sed "s|^|url = https://$host/v2/$repository/manifests/|" >"$scratch/urls"
      [ ! -s "$scratch/urls" ] || curl -sS "$@" -K "$scratch/urls" -w '\n%{url} %{http_code}\n'
    done
}

serve_begin memory --auth basic --files "$scratch/memory" &&
  serve_begin disk --store "$folder/store" --tls --files "$scratch/disk" || finish
basic=$(jq -r '.auths[].auth' "$scratch/memory/credentials/auth.json")
ca=$scratch/disk/trust/ca.crt
pids=()
for algorithm in sha256 sha512; do
  play "memory-$algorithm" --algorithm "$algorithm" --header "Authorization: Basic $basic" \
    "${serve_host[memory]}" &
  pids+=("memory-$algorithm $!")
  play "disk-$algorithm" --algorithm "$algorithm" --ca "$ca" "${serve_host[disk]}" &
  pids+=("disk-$algorithm $!")
done
for one in "${pids[@]}"; do held "${one% *}" "${one#* }"; done

all_of "${serve_host[disk]}" --cacert "$ca" | sed "s|${serve_host[disk]}|HOST|" >"$scratch/before"
serve_end disk
serve_begin again --store "$folder/store" --tls --files "$scratch/again" || finish
all_of "${serve_host[again]}" --cacert "$scratch/again/trust/ca.crt" |
  sed "s|${serve_host[again]}|HOST|" >"$scratch/after"
expect_text "$scratch/before" '^https://HOST/v2/c/disk-sha512/.* 200$' "what is on disk"
cmp -s "$scratch/before" "$scratch/after" || fail "the store is another one when it is opened again"

# rules/: registries that refuse something of it.
rules() { # NAME HOST
  local algorithm
  for algorithm in sha256 sha512; do
    expect_exit 0 "$1 ($algorithm)" "$dialogue" --prefix "$algorithm" --algorithm "$algorithm" "$2" \
      "tests/conformance/rules/$1.txt"
  done
}
serve_begin read-only --read-only && serve_begin sparse --no-sparse || finish
rules unauthorized "${serve_host[memory]}"
rules read-only "${serve_host[read-only]}"
rules sparse "${serve_host[sparse]}"
# And a dialogue sees that: what is refused there is no conformance.
"$dialogue" "${serve_host[read-only]}" tests/conformance/04-upload-whole.txt >"$scratch/none" 2>&1
[ $? = 1 ] || fail "a registry that is read only conforms"
expect_text "$scratch/none" '04-upload-whole.txt:[0-9]+: .*status 405, wanted 202' "what it says"
finish

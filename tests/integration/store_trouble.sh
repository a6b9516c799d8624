#!/usr/bin/env bash
# A store's disk that fails under it is the harness's trouble and no client's: `serve` says so and
# goes on, a drill ends.
. tests/lib/check.sh

# begin OPTION...: its words in $scratch/words, its address in $host.
begin() {
  local line
  exec {out}< <(exec "$PULLDRILL" serve --registry primary "$@" 2>"$scratch/words" </dev/null)
  pid=$!
  while read -r -t 60 -u "$out" line; do
    case $line in
      'primary '*) host=${line#primary } ;;
      ready) return 0 ;;
    esac
  done
  fail "serve $*: never ready: $(cat "$scratch/words")"
  finish
}

# push STATUS BYTES WHAT: a blob in one request.
push() {
  local status digest
  digest=$(printf %s "$2" | sha256sum | cut -c -64)
  status=$(curl -s -o "$scratch/answer" -w '%{http_code}' -X POST --data-binary "$2" \
    -H 'Content-Type: application/octet-stream' \
    "http://$host/v2/a/b/blobs/uploads/?digest=sha256:$digest")
  [ "$status" = "$1" ] || fail "$3: $status, wanted $1: $(cat "$scratch/answer")"
}

words() { wc -l <"$scratch/words"; }

store=$scratch/store/primary
begin --store "$scratch/store"
push 201 one "a push"
[ "$(words)" = 0 ] || fail "trouble where there is none: $(cat "$scratch/words")"

# What clients do wrong is no trouble of ours.
curl -s -o "$scratch/answer" -X POST --data-binary x \
  "http://$host/v2/a/b/blobs/uploads/?digest=sha256:$(printf 0%.0s {1..64})"
curl -s -o "$scratch/answer" "http://$host/v2/a/b/blobs/sha256:$(printf 0%.0s {1..64})"
[ "$(words)" = 0 ] || fail "a client's fault is told: $(cat "$scratch/words")"

# A folder is gone: each push is refused, which is told, but not each time; what needs no disk goes
# on, and so does all else once the folder is there again.
rmdir "$store/uploads"
for i in {1..12}; do push 500 "two $i" "a push without a folder"; done
expect_text "$scratch/words" "^pulldrill: cannot make uploads/.* in the store $store: No such file" \
  "a folder that is gone"
[ "$(words)" -le 8 ] || fail "it is told again and again: $(cat "$scratch/words")"
expect_exit 0 "the blob is served" curl -fsS -o "$scratch/answer" \
  "http://$host/v2/a/b/blobs/sha256:$(printf one | sha256sum | cut -c -64)"
mkdir "$store/uploads"
push 201 three "a push with its folder again"
kill "$pid"
wait "$pid" || fail "serve ends with $? after trouble"
exec {out}<&-

# A delete that the disk does not take has not happened.
begin --store "$scratch/store"
blob="http://$host/v2/a/b/blobs/sha256:$(printf one | sha256sum | cut -c -64)"
rmdir "$store/uploads"
[ "$(curl -s -o "$scratch/answer" -w '%{http_code}' -X DELETE "$blob")" = 500 ] ||
  fail "a delete without a folder: $(cat "$scratch/answer")"
expect_text "$scratch/words" "cannot delete repositories/a/b/_blobs/.* in the store $store: " \
  "a delete that fails"
expect_exit 0 "it is still there" curl -fsS -o "$scratch/answer" "$blob"
mkdir "$store/uploads"
[ "$(curl -s -o "$scratch/answer" -w '%{http_code}' -X DELETE "$blob")" = 202 ] ||
  fail "a delete: $(cat "$scratch/answer")"
kill "$pid"
wait "$pid" || fail "serve ends with $? after a delete"
exec {out}<&-

# In a drill it is an error of the harness, whatever the clients made of it. The subject plays the
# disk that fails.
mkdir "$scratch/tmp"
jq --arg tmp "$scratch/tmp" '.registries.primary = {store: "disk"} | del(.faults) |
  .phases = [{name: "steady", starts: 2}] |
  .subjects.puller.concurrency = 1 |
  .subjects.puller.command = ["sh", "-c",
    "rmdir " + $tmp + "/*/stores/primary/uploads; curl -s -X POST http://$0/v2/a/b/blobs/uploads/",
    "${registry.primary}"]' tests/lib/small.json >"$scratch/drill.json"
expect_exit 3 "a drill whose store fails" env TMPDIR="$scratch/tmp" "$PULLDRILL" run \
  "$scratch/drill.json" --out "$scratch/results"
expect_text "$scratch/out" 'cannot make uploads/.* in the store .*/stores/primary: No such file' \
  "what the drill says of it"
expect_text "$scratch/out" 'blame: harness' "whose fault it is"
finish

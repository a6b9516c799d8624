#!/usr/bin/env bash
# A real client asks a store on disk for several ranges at once, and whether anything is new: curl
# takes the answers as it takes any registry's, and what was recorded can be judged.
. tests/lib/check.sh
. tests/lib/serve.sh

serve_begin disk --store "$scratch/store" --record "$scratch/history.jsonl" || finish
url=http://${serve_host[disk]}/v2/a

seq 100000 199999 >"$scratch/blob" # lines of seven bytes
blob=sha256:$(sha256sum <"$scratch/blob" | cut -d' ' -f1)
where=$(curl -sS -o "$scratch/body" -X POST -w '%header{location}' "$url/blobs/uploads/")
curl -sS -f -T "$scratch/blob" -H 'Content-Type: application/octet-stream' \
  "http://${serve_host[disk]}$where?digest=$blob" || fail "no push"

# The parts as they lie in the body, without their headers and the carriage returns of the format.
curl -sS -f -D "$scratch/head" -o "$scratch/parts" --range 0-6,699993-,70000-140006 \
  "$url/blobs/$blob" || fail "no parts"
expect_text "$scratch/head" '^HTTP/1.1 206 ' "parts"
expect_text "$scratch/head" '^Content-Type: multipart/byteranges; boundary=' "parts"
tr -d '\r' <"$scratch/parts" | grep -E '^[0-9]+$' >"$scratch/lines"
{ echo 100000; echo 199999; seq 110000 120000; } | cmp -s - "$scratch/lines" ||
  fail "other bytes came: $(wc -l <"$scratch/lines") lines"
[ "$(grep -c '^Content-Range: bytes .*/700000' "$scratch/parts")" = 3 ] || fail "not three ranges"

# curl keeps the entity tag and asks under it: the second time nothing is sent.
curl -sS -f --etag-save "$scratch/tag" -o "$scratch/first" "$url/blobs/$blob" || fail "no blob"
cmp -s "$scratch/blob" "$scratch/first" || fail "another blob"
status=$(curl -sS --etag-compare "$scratch/tag" -o "$scratch/second" -w '%{http_code} %{size_download}' \
  "$url/blobs/$blob")
[ "$status" = '304 0' ] || fail "asked again: $status"

# A download that was cut goes on where it ended, if the blob is still the same.
head -c 300000 "$scratch/blob" >"$scratch/rest"
curl -sS -f -C - -H "If-Range: $(cat "$scratch/tag")" -o "$scratch/rest" "$url/blobs/$blob" ||
  fail "not resumed"
cmp -s "$scratch/blob" "$scratch/rest" || fail "resumed to another blob"

# A slash too many is led back.
curl -sS -f -L --path-as-is -o "$scratch/led" "http://${serve_host[disk]}//v2/a//blobs/$blob" ||
  fail "not led to the path that was meant"
cmp -s "$scratch/blob" "$scratch/led" || fail "led elsewhere"

serve_end disk
jq -es --arg blob "$blob" 'any(.event == "response" and .object == $blob and
  .pieces == "0-6 699993-699999 70000-140006" and .end == "whole")' "$scratch/history.jsonl" \
  >"$scratch/null" || fail "the parts are not in the history"
expect_exit 2 "nothing was expected" "$PULLDRILL" judge "$scratch/history.jsonl"
finish

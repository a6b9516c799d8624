#!/usr/bin/env bash
# release only: the pages are the same
# report.html in a real browser: pages of real drills open without an error, show the picture and the
# start that the address names, hold off hostile text, ask for nothing, and stay quick when large.
. tests/lib/check.sh

browser=$(command -v chromium || true)
if [ -z "$browser" ]; then
  echo "skipped: chromium is not installed"
  exit 0
fi
as_root=""
[ "$(id -u)" != 0 ] || as_root="--no-sandbox"

# dump URL: the page as it stands after its script on stdout, the browser's log on stderr. No name
# resolves, so that whatever asked the network would be an error.
dump() {
  rm -rf "$scratch/profile"
  timeout -k 5 120 "$browser" --headless=new $as_root --disable-gpu --no-first-run \
    --disable-dev-shm-usage --user-data-dir="$scratch/profile" --enable-logging=stderr \
    --host-resolver-rules="MAP * ~NOTFOUND" --window-size=1200,900 --virtual-time-budget=10000 \
    --dump-dom "$1" </dev/null
}

# Some containers let no browser start (no namespaces for its sandbox): that says nothing about us.
echo '<p>it works</p>' >"$scratch/trivial.html"
if ! dump "file://$scratch/trivial.html" 2>"$scratch/log" | grep -qF '<p>it works</p>'; then
  echo "skipped: chromium does not work here: $(tail -n 1 "$scratch/log")"
  exit 0
fi

# open_page FILE[#HASH]: the page in $scratch/dom, its log in $scratch/log.
open_page() {
  dump "file://$1" >"$scratch/dom" 2>"$scratch/log" || fail "$1: the browser exits $?"
}

has() { # TEXT WHAT: the dumped page holds it
  grep -qF -- "$1" "$scratch/dom" || fail "$2: the page has no $1"
}
has_not() {
  ! grep -qF -- "$1" "$scratch/dom" || fail "$2: the page has $1"
}

# Whatever the page: its script ran to its end, no error, nothing refused, nothing asked for.
expect_sound() { # WHAT
  has 'data-ready="yes"' "$1: the script's end"
  has_not 'data-problem=' "$1: no error"
  grep 'CONSOLE' "$scratch/log" >"$scratch/console" && fail "$1: $(cat "$scratch/console")"
  grep -oE '(src|srcset|href|action|data|poster|background)="[^"]*"' "$scratch/dom" |
    grep -vE '^href="(#[a-z0-9=&;-]+|starts/[0-9]+\.txt)"$' >"$scratch/asks" &&
    fail "$1: asks for $(head -n 3 "$scratch/asks")"
  grep -E '<(link|img|iframe|object|embed|base|form|video|audio)[ >]|url\(|@import' \
    "$scratch/dom" >"$scratch/asks" && fail "$1: holds $(head -c 300 "$scratch/asks")"
  :
}

page_of() { # DIR: the report of the only scenario there
  echo "$1"/*/report.html
}

# ---- a good subject -----------------------------------------------------------------------------
flagship=scenarios/incidents/codeship-2017-image-deleted.json
expect_exit 0 "the flagship" "$PULLDRILL" run "$flagship" --out "$scratch/good"
page=$(page_of "$scratch/good")
folder=$(dirname "$page")
open_page "$page"
expect_sound "good"
has '<svg class="pic"' "good: the picture"
has '40 of 40 builds started' "good: the eight lines"
[ "$(grep -c 'class="start-row"' "$scratch/dom")" -ge 1 ] || fail "good: no list of starts"

# The 15th start is one of the outage: its requests, its fault, its fall-back, and no others.
open_page "$page#start=15"
expect_sound "start 15"
has 'data-start="15"' "start 15"
has 'falls back to failover' "start 15 falls back"
wanted=$(jq -s '[.[] | select(.event == "request" and .start == 15)] | length' "$folder/history.jsonl")
shown=$(grep -o 'class="fall-row of-request' "$scratch/dom" | wc -l)
[ "$shown" = "$wanted" ] && [ "$wanted" -gt 1 ] || fail "start 15: $shown of $wanted requests"
for n in $(jq -r 'select(.event == "request" and .start == 15) | .n' "$folder/history.jsonl"); do
  has "data-event=\"$n\"" "start 15, request of event $n"
done
has '<span class="fault-tag" title="delete-image agent">agent-deleted</span>' "start 15's fault"

# An event by its number, with the start it belongs to.
n=$(jq -r 'select(.event == "response" and .start == 17) | .n' "$folder/history.jsonl" | head -n 1)
open_page "$page#event=$n"
expect_sound "an event"
has "<h2>Event $n<span class=\"tally\">response</span></h2>" "the event"
has 'data-start="17"' "the event's start"
has ' cited"' "the event's row is marked"
open_page "$page#event=999999"
expect_sound "no such event"
has 'Event 999999 is not in this page' "no such event"
open_page "$page#start=4100"
expect_sound "no such start"
has 'There is no start 4100' "no such start"

# `report` makes the same page of the journal, for the history lies beside it; `judge` makes one of
# the history; without a history the page says so, and its script has nothing to draw.
expect_exit 0 "report" "$PULLDRILL" report "$folder/journal.json" --format html
cmp -s "$scratch/out" "$page" || fail "report --format html differs from report.html"
expect_exit 0 "judge" "$PULLDRILL" judge "$folder/history.jsonl" --format html
cp "$scratch/out" "$scratch/judged.html"
open_page "$scratch/judged.html#start=15"
expect_sound "judged"
has 'data-start="15"' "judged: start 15"
mkdir "$scratch/alone"
cp "$folder/journal.json" "$scratch/alone/"
expect_exit 0 "report, alone" "$PULLDRILL" report "$scratch/alone/journal.json" --format html
cp "$scratch/out" "$scratch/alone/report.html"
open_page "$scratch/alone/report.html#start=15"
expect_sound "alone"
has 'No picture and no waterfall' "alone"
has_not '<svg class="pic"' "alone: no picture"

# ---- a bad twin ---------------------------------------------------------------------------------
jq '.subjects["build-start"] |= (.command = .variants["retry-only"].command | del(.variants))
  | del(.proof) | .phases[1].starts = 4' \
  "$flagship" >"$scratch/retry-only.json"
expect_exit 1 "retry-only" "$PULLDRILL" run "$scratch/retry-only.json" --out "$scratch/bad"
page=$(page_of "$scratch/bad")
open_page "$page"
expect_sound "retry-only"
bad=$(jq '.["bad-starts"][0].start' "$(dirname "$page")/journal.json")
has "data-start=\"$bad\"" "the first bad start is chosen"
has '<span class="retry-tag">retry 1</span>' "retries are marked"
has 'class="check is-fail" open' "what failed is unfolded"

# Where nothing came, the waterfall says so.
jq '.phases[1].faults = ["silent"] | .faults = {"silent": {"on": "primary", "kind": "stall"}}
  | .subjects.puller.timeout = "2s" | .subjects.puller.command |= map(if . == "failover"
  then "retry" else . end)' tests/lib/small.json >"$scratch/silent.json"
expect_exit 1 "a stall" "$PULLDRILL" run "$scratch/silent.json" --out "$scratch/silent"
open_page "$(page_of "$scratch/silent")"
expect_sound "a stall"
has 'nothing received' "a stall is marked"

# ---- hostile text -------------------------------------------------------------------------------
# In the title, in a command, in its output, in a path that was asked for.
evil='</script><script>document.documentElement.dataset.evil=1</script><img src=x onerror=document.documentElement.dataset.evil=2>'
jq --arg evil "$evil" '.title = "T " + $evil
  | .subjects.puller.command = ["sh", "-c", "echo \"$1\"; curl -s --path-as-is --globoff \"http://$PULLDRILL_REGISTRY_PRIMARY/v2/ci/agent/manifests/$1\" | tail -c 300; exit 1", "-", ($evil | gsub(" "; "%20"))]
  | .baseline = {"none": $evil}' tests/lib/small.json >"$scratch/hostile.json"
expect_exit 1 "hostile" "$PULLDRILL" run "$scratch/hostile.json" --out "$scratch/hostile"
page=$(page_of "$scratch/hostile")
for hash in "" "#start=1" "#event=5" "#start=1&event=5" '#start=1%3Cimg' '#event=<script>'; do
  open_page "$page$hash"
  expect_sound "hostile $hash"
  has_not 'data-evil=' "hostile $hash"
  [ "$(grep -o '<script' "$scratch/dom" | wc -l)" = 3 ] || fail "hostile $hash: a script of its own"
done
has '&lt;/script&gt;&lt;script&gt;' "the hostile title is shown as text"

# ---- large --------------------------------------------------------------------------------------
# Twenty thousand requests and more, of seven thousand starts: the small drill's first start, again and again.
expect_exit 0 "the small drill" "$PULLDRILL" run tests/lib/small.json --out "$scratch/small"
small=$(echo "$scratch"/small/*/history.jsonl)
jq -cs --argjson count 7000 '
  (map(select(.start == 1)) | map(del(.n))) as $one
  | (map(select(.event == "phase-begin"))[0] | del(.n)) as $begin
  | .[0], $begin,
    (range(1; $count + 1) as $s | $one[]
      | .start = $s | .t_ns += $s * 1000000
      | if .connection then .connection += $s * 10 else . end
      | if .ordinal then .ordinal += $s * 10 else . end
      | if .request then .request += $s * 10 else . end)' "$small" |
  jq -cn 'foreach inputs as $line ({n: 0, t: 0};
    {n: (.n + 1), t: ([.t, $line.t_ns] | max), line: $line};
    .line + {n: .n, t_ns: .t})' >"$scratch/large.jsonl"
requests=$(grep -c '"event":"request"' "$scratch/large.jsonl")
[ "$requests" -ge 20000 ] || fail "only $requests requests in the large history"
"$PULLDRILL" judge "$scratch/large.jsonl" --format html >"$scratch/large.html" 2>"$scratch/err" ||
  [ $? = 2 ] || fail "large: $(cat "$scratch/err")"
open_page "$scratch/large.html#start=4321"
expect_sound "large"
has 'data-start="4321"' "large: start 4321"
rows=$(grep -oE 'class="(start-row|fall-row)' "$scratch/dom" | wc -l)
[ "$rows" -gt 10 ] && [ "$rows" -lt 600 ] || fail "large: $rows rows at once"
finish

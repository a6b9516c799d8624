#!/usr/bin/env bash
# Speed and memory in one run: pulldrill beside nginx, Debian's docker-registry, and itself. Medians
# of runs that take turns; an aim that is missed is marked and fails nothing. Exit 3: it could not
# be measured. O is the build's folder (build/release), RUNS and SECONDS_EACH are how often and how
# long each server is asked.
set -euo pipefail
O=${O:-build/release}
runs=${RUNS:-5}
seconds=${SECONDS_EACH:-2}
blob_bytes=$((64 << 20))
here=$(dirname "$0")

for need in nginx:nginx-light wrk:wrk docker-registry:docker-registry curl:curl jq:jq \
  openssl:openssl; do
  command -v "${need%%:*}" >/dev/null || {
    echo "bench: ${need%%:*} is missing; install the Debian package ${need##*:}" >&2
    exit 3
  }
done
for program in server stall ready history; do
  [ -x "$O/tests/bench/bench_$program" ] || {
    echo "bench: $O/tests/bench/bench_$program is missing; run make bench" >&2
    exit 3
  }
done

work=$(mktemp -d)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/bench/http.sh
. "$here/http.sh"
# shellcheck source=tests/bench/life.sh
. "$here/life.sh"
trap finish EXIT

begun=$SECONDS
measure_ready
open_servers
measure_http
measure_memory
measure_drill
measure_judge
report_http
report_life
echo "$missed aims missed; medians of $runs runs of $seconds s; $(nproc) processors," \
  "$((SECONDS - begun)) s in all"

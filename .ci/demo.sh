#!/usr/bin/env bash
# The flagship drill with the reference subject, with skopeo, and with a script as it ships; results
# under build/demo/
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
exec "$build/pulldrill" run \
  scenarios/incidents/codeship-2017-image-deleted.json \
  scenarios/incidents/codeship-2017-image-deleted-skopeo.json \
  scenarios/incidents/codeship-2017-image-deleted-unmodified.json \
  --out "$build/demo" -j 1

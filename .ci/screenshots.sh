#!/usr/bin/env bash
# Makes docs/images/report-*.png anew: the top of the flagship's report with the good subject and
# with two bad twins, and that of real clients as they ship (root, and the clients installed), as
# chromium shows it at a width of 1200.
#   .ci/screenshots.sh [BUILD-DIR]      after `make all`
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
scenario=scenarios/incidents/codeship-2017-image-deleted.json
browser=$(command -v chromium) || { echo "screenshots: chromium is missing; make deps" >&2; exit 1; }
as_root=""
[ "$(id -u)" != 0 ] || as_root="--no-sandbox"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p docs/images

# The twins as they run under `run`, to their end: `prove` would stop them as soon as they have lost.
shoot() { # NAME REPORT
  "$browser" --headless=new $as_root --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
    --blink-settings=preferredColorScheme=1 --user-data-dir="$scratch/profile" \
    --window-size=1200,730 --virtual-time-budget=5000 --screenshot="$scratch/$1.png" \
    "file://$2" 2>"$scratch/log" || { cat "$scratch/log" >&2; exit 1; }
  mv "$scratch/$1.png" "docs/images/report-$1.png"
}
for variant in good retry-only never-returns; do
  asked=()
  [ "$variant" = good ] || asked=(--subject build-start --variant "$variant")
  "$build/pulldrill" run "$scenario" "${asked[@]}" --quiet --out "$scratch/$variant" \
    >"$scratch/text" || [ $? = 1 ]
  shoot "$variant" "$(echo "$scratch/$variant"/*/report.html)"
  echo "docs/images/report-$variant.png: $(head -n 1 "$scratch/text")"
done
# The script that ships, and clients with their own mirror configurations.
for name in unmodified podman ctr docker; do
  case $name in
    unmodified) scenario=scenarios/incidents/codeship-2017-image-deleted-unmodified.json ;;
    *) scenario=scenarios/clients/$name/mirror.json ;;
  esac
  "$build/pulldrill" run "$scenario" --quiet --out "$scratch/$name" >"$scratch/text"
  shoot "$name" "$(echo "$scratch/$name"/*/report.html)"
  echo "docs/images/report-$name.png: $(head -n 1 "$scratch/text")"
done
for image in docs/images/report-*.png; do
  [ "$(stat -c %s "$image")" -lt 150000 ] || { echo "screenshots: $image is too large" >&2; exit 1; }
done

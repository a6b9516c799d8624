#!/usr/bin/env bash
# Installs the Debian packages that pulldrill needs and this machine lacks; says which; removes none.
set -euo pipefail
packages="gcc libc6-dev make pkg-config libuv1-dev libcurl4-openssl-dev libjansson-dev libjsmn-dev
  libfiu-dev libssl-dev libarchive-dev libcriterion-dev node-llhttp clang clang-format clang-tidy
  libclang-rt-14-dev musl-tools ca-certificates curl jq git procps iproute2 skopeo python3-jsonschema $*"
# For tests that skip with a reason without them.
optional="chromium fonts-dejavu-core python3-prometheus-client podman buildah containerd docker.io"

missing_of() { # PACKAGE...
  for package in "$@"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || printf ' %s' "$package"
  done
}
missing=$(missing_of $packages)
wanted=$(missing_of $optional)
[ -n "$missing$wanted" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    [ -n "$missing" ] || { echo "deps: not root and no sudo; going on without:$wanted"; exit 0; }
    echo "deps: not root and no sudo; install:$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi
install() { # PACKAGE...
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove \
    --no-install-recommends "$@"
}
echo "deps: installing from Debian:$missing$wanted"
updated=0
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || updated=$?
if [ -n "$missing" ]; then
  [ "$updated" = 0 ] || exit "$updated"
  install $missing
fi
for package in $wanted; do
  install "$package" || echo "deps: Debian cannot give $package here; going on without it"
done

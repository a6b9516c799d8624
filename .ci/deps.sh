#!/usr/bin/env bash
# Installs the Debian packages that pulldrill needs and this machine lacks; says which; removes none.
set -euo pipefail
packages="gcc libc6-dev make pkg-config libuv1-dev libcurl4-openssl-dev libjansson-dev libjsmn-dev
  libfiu-dev libssl-dev libarchive-dev libcriterion-dev node-llhttp clang clang-format clang-tidy
  libclang-rt-14-dev musl-tools ca-certificates curl jq git procps iproute2 skopeo $*"

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "deps: not root and no sudo; install:$missing" >&2; exit 1; }
  as_root="sudo"
fi
echo "deps: installing from Debian:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove \
  --no-install-recommends $missing

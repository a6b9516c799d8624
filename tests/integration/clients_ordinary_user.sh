#!/usr/bin/env bash
# release only: the same drills run as root there
# What drills the subject as it ships does so for an ordinary user, too: the unchanged provisioning
# script with skopeo, and podman with its mirror, over TLS, by names, with tokens.
. tests/lib/check.sh

# Where the tests run as root, the user is nobody, with copies that nobody can read.
if [ "$(id -u)" = 0 ]; then
  su nobody -s /bin/sh -c 'unshare -U true' 2>"$scratch/null" || {
    echo "skip: no ordinary user with namespaces can be had here"
    finish
  }
  chmod 755 "$scratch"
  mkdir -m 777 "$scratch/user"
  cp "$PULLDRILL" "$scratch/pulldrill"
  cp -rL scenarios "$scratch/scenarios"
  cp -rL "${PULLDRILL_SUBJECTS:-$(dirname "$PULLDRILL")/subjects}" "$scratch/subjects"
  chmod -R a+rX "$scratch/pulldrill" "$scratch/scenarios" "$scratch/subjects"
  as_user() {
    su nobody -s /bin/bash -c 'cd "$0" && export TMPDIR=$0 PULLDRILL_SUBJECTS=$0/../subjects &&
      exec ../pulldrill "$@"' -- "$scratch/user" "$@"
  }
  library=$scratch/scenarios
else
  mkdir "$scratch/user"
  as_user() { TMPDIR=$scratch/user "$PULLDRILL" "$@"; }
  library=$PWD/scenarios
fi

drill() { # WHAT SCENARIO OPTION...
  local what=$1 status
  shift
  as_user run "$@" -q --out "$scratch/user/out" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  if [ "$status" = 77 ]; then
    echo "skip: $what: $(grep -m1 'why:' "$scratch/out")"
  elif [ "$status" != 0 ]; then
    fail "$what: exit $status"
    head -n 40 "$scratch/out" "$scratch/err" | sed 's/^/    /'
  else
    expect_text "$scratch/out" '^PASS ' "$what"
  fi
  rm -rf "$scratch/user/out"
}

if command -v skopeo >"$scratch/null"; then
  drill "the script that ships" --var machine-root=host \
    "$library/incidents/codeship-2017-image-deleted-unmodified.json"
else
  echo "skip: skopeo is not installed"
fi
drill "podman with a mirror" "$library/clients/podman/mirror.json"
[ -z "$(ls -A "$scratch/user")" ] || fail "left: $(ls -A "$scratch/user")"
finish

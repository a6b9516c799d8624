#!/usr/bin/env bash
# Subjects that reach registries by their real names: unchanged scripts, as root and as an ordinary
# user; what they see of the machine; what is left when the harness is killed; skips.
. tests/lib/check.sh
export TMPDIR=$scratch/tmp
mkdir -m 1777 "$TMPDIR"
chmod 755 "$scratch"

# A machine's own script: names and all as they ship. It says where it ran, and leaves its files.
cat >"$scratch/provision.sh" <<'SCRIPT'
#!/bin/sh
fetch() { curl -sSf -o "$2" "https://$host/v2/codeship/agent/$1"; }
pull() {
  host=$1
  fetch manifests/stable "$PULLDRILL_START_DIR/manifest" || return 1
  for digest in $(grep -oE 'sha256:[0-9a-f]{64}' "$PULLDRILL_START_DIR/manifest"); do
    fetch "blobs/$digest" "$PULLDRILL_START_DIR/blob" || return 1
    [ "sha256:$(sha256sum <"$PULLDRILL_START_DIR/blob" | cut -d' ' -f1)" = "$digest" ] || return 1
  done
}
pull quay.io || { [ "$1" = alone ] && exit 1; } || pull public.ecr.aws
SCRIPT
chmod 755 "$scratch/provision.sh"
cat >"$scratch/scenario.json" <<EOF_SCENARIO
{
  "version": 1,
  "title": "A machine is provisioned by the script that ships",
  "seed": 7,
  "registries": {"primary": {"names": ["quay.io"]}, "failover": {"names": ["public.ecr.aws"]}},
  "images": {"agent": {"ref": "codeship/agent:stable", "layers": ["16KiB"]}},
  "subjects": {"machine": {
    "command": ["$scratch/provision.sh", "both"],
    "reach": "names",
    "timeout": "30s",
    "variants": {"alone": {"command": ["$scratch/provision.sh", "alone"]}}
  }},
  "faults": {"down": {"on": "primary", "kind": "refuse"}},
  "phases": [
    {"name": "steady", "starts": 2},
    {"name": "outage", "starts": 2, "faults": ["down"]},
    {"name": "recovery", "starts": 2}
  ],
  "expect": [
    {"check": "starts-succeed"},
    {"check": "served-by", "registry": "failover", "during": "outage", "min": "100%"}
  ],
  "proof": {"must-fail": [{"variant": "alone", "because": ["starts-succeed"]}]}
}
EOF_SCENARIO

# Whether this machine has what names need; the reason is in $scratch/out where it has not.
"$PULLDRILL" run "$scratch/scenario.json" -q --out "$scratch/first" >"$scratch/out" 2>&1
first=$?
possible=$((first != 77))
[ "$possible" = 1 ] || echo "skipped: $(grep -m1 'why:' "$scratch/out")"

if [ "$possible" = 1 ]; then
  [ "$first" = 0 ] || { fail "names: exit $first"; sed 's/^/    /' "$scratch/out" | head -30; }
  history=$scratch/first/*/history.jsonl
  # A refused port leaves no request; the kernel of the lane counted it.
  [ "$(jq -s '[.[] | select(.event == "counter" and .counter == "tcp-attempt-fails")] | length' \
    $history)" -ge 2 ] || fail "refusals were not counted"
  [ -z "$(jq -c 'select(.event == "connection-open" and .registry != null and .lane > 0 and
    (.peer | startswith("198.18.") | not))' $history)" ] || fail "a connection from elsewhere"
  expect_exit 0 "the twin that knows one registry is caught" \
    "$PULLDRILL" prove "$scratch/scenario.json" -q --out "$scratch/prove"
fi

# The same as an ordinary user, who is root in the lane and nowhere else.
if [ "$possible" = 1 ] && [ "$(id -u)" = 0 ] && su nobody -s /bin/sh -c 'unshare -U true' \
  2>"$scratch/null"; then
  mkdir -m 777 "$scratch/nobody"
  jq '.subjects.machine.command = ["sh", "-c", "[ $(id -u) = 0 ] && exec \"$0\" both",
    "'"$scratch"'/provision.sh"]' "$scratch/scenario.json" >"$scratch/user.json"
  cp "$PULLDRILL" "$scratch/pulldrill"
  su nobody -s /bin/sh -c "cd / && TMPDIR=$TMPDIR exec '$scratch/pulldrill' run -q \
    '$scratch/user.json' --out '$scratch/nobody/out'" >"$scratch/out" 2>&1 </dev/null
  status=$?
  [ "$status" = 0 ] || { fail "as nobody: exit $status"; sed 's/^/    /' "$scratch/out" | head; }
  jq '.subjects.machine.machine = {"root": "overlay"}' "$scratch/user.json" >"$scratch/root.json"
  su nobody -s /bin/sh -c "cd / && TMPDIR=$TMPDIR exec '$scratch/pulldrill' run -q \
    '$scratch/root.json' --out '$scratch/nobody/out'" >"$scratch/out" 2>&1 </dev/null
  [ $? = 77 ] || fail "a root that is thrown away, as nobody: not skipped"
  expect_text "$scratch/out" 'needs root .* take "root": "host"$' "why it was skipped, and what to do"
else
  echo "skipped: no ordinary user with namespaces can be had here"
fi

# ---- what a subject sees of the machine ---------------------------------------------------------
# look COMMAND [MACHINE]: a drill of one start of it; its output is in $scratch/out.
look() {
  jq --arg command "$1" --argjson machine "${2:-{\}}" '.subjects = {"look": {
    "command": ["bash", "-c", $command], "reach": "names", "machine": $machine, "baked-in": true}} |
    .faults = {} | .phases = [{"name": "steady", "starts": 1}] | .expect = [] | del(.proof) |
    .baseline = {"none": "it only looks"}' "$scratch/scenario.json" >"$scratch/look.json"
  "$PULLDRILL" run "$scratch/look.json" -q --out "$scratch/look" >"$scratch/summary" 2>&1
  cat "$scratch"/look/*/starts/1.txt >"$scratch/out"
}
if [ "$possible" = 1 ]; then
  DOCKER_HOST=tcp://192.0.2.1:2375 CONTAINERD_ADDRESS=/run/x HTTPS_PROXY=http://192.0.2.1 \
    RES_OPTIONS=ndots:5 look 'env; cat /etc/resolv.conf; ls -A "$PULLDRILL_LANE_DIR"'
  ! grep -qE '^(DOCKER_HOST|CONTAINERD_ADDRESS|HTTPS_PROXY|RES_OPTIONS)=' "$scratch/out" ||
    fail "a variable leads out of the lane"
  expect_text "$scratch/out" '^SSL_CERT_FILE=' "certificates"
  expect_text "$scratch/out" '^nameserver 198\.18\.0\.53$' "the name server"
  DOCKER_HOST=unix:///run/x look 'env' '{"sockets": "keep"}'
  expect_text "$scratch/out" '^DOCKER_HOST=unix:///run/x$' "kept engines"
  # A client with no option of its own trusts the lane's registries, and nothing leads elsewhere.
  look 'env -i PATH="$PATH" curl -sS -o /dev/null -w "%{http_code}\n" https://quay.io/v2/
    env -i PATH="$PATH" curl -sS http://192.0.2.1/ || echo "no way: $?"'
  expect_text "$scratch/out" '^200$' "the system's certificates"
  expect_text "$scratch/out" 'no way: 7' "another address"
  # So does another user of the machine, to whom a script hands on what it has in its environment.
  if [ "$(id -u)" = 0 ]; then
    look 'su nobody -s /bin/sh -c "cd / && curl -sS -o /dev/null -w \"%{http_code}\n\" \
      https://quay.io/v2/"'
    expect_text "$scratch/out" '^200$' "another user of the machine"
  fi
fi

# Engines of the machine, played in a mount namespace around the whole drill.
cat >"$scratch/engines.sh" <<'ENGINES'
mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/containerd /run/podman
python3 - <<'PYTHON' &
import os, signal, socket
held = []
for path in "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock":
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    held.append(s)
open("/run/ready", "w").close()
signal.pause()
PYTHON
engines=$!
trap 'kill $engines' EXIT
for i in $(seq 200); do [ -e /run/ready ] && break; read -rt 0.05 <> <(:); done
for machine in '{}' '{"sockets": "keep"}'; do
  look 'for s in docker.sock containerd/containerd.sock podman/podman.sock; do
      curl -s --max-time 1 --unix-socket /run/$s http://engine/; echo "$s $?"; done' "$machine"
  cat "$scratch/out"
done
ENGINES
if [ "$possible" = 1 ] && [ "$(id -u)" = 0 ] && unshare -m true 2>"$scratch/null"; then
  export -f look
  scratch=$scratch PULLDRILL=$PULLDRILL unshare -m bash "$scratch/engines.sh" >"$scratch/engines"
  # 7: nobody listens; 28: somebody does, and says nothing.
  printf '%s\n' 'docker.sock 7' 'containerd/containerd.sock 7' 'podman/podman.sock 7' \
    'docker.sock 28' 'containerd/containerd.sock 28' 'podman/podman.sock 28' >"$scratch/wanted"
  cmp -s "$scratch/engines" "$scratch/wanted" ||
    { fail "engines of the machine:"; sed 's/^/    /' "$scratch/engines"; }
fi

# A script that writes everywhere: the machine is as it was.
places="/etc /usr /usr/bin /root /opt /var/lib /tmp /run /dev /dev/shm"
cat >"$scratch/wreck.sh" <<'WRECK'
for place in $1; do echo wrecked >"$place/pulldrill-wreck" || exit 1; done
rm -rf /etc/ssl /opt /root /usr/share/doc /var/log
rm -f /etc/passwd /etc/resolv.conf
echo "nameserver 192.0.2.1" >/etc/resolv.conf
[ ! -e /etc/passwd ] && [ ! -e /opt ] && [ -e /etc/pulldrill-wreck ] && echo "wrecked all"
WRECK
if [ "$possible" = 1 ] && [ "$(id -u)" = 0 ]; then
  before=$(cat /etc/passwd /etc/resolv.conf | cksum; ls -d /etc/ssl /opt /root /var/log)
  look "bash $scratch/wreck.sh '$places'" '{"root": "overlay"}'
  after=$(cat /etc/passwd /etc/resolv.conf | cksum; ls -d /etc/ssl /opt /root /var/log)
  expect_text "$scratch/out" '^wrecked all$' "a root that is thrown away"
  [ "$before" = "$after" ] || fail "the machine is another: $before; now $after"
  for place in $places; do
    [ ! -e "$place/pulldrill-wreck" ] || fail "$place was written"
  done
  # The name server is found in such a root, too, and certificates survive being made anew.
  look 'curl -sS -o /dev/null -w "%{http_code}\n" https://quay.io/v2/
    ls /usr/local/share/ca-certificates' '{"root": "overlay"}'
  expect_text "$scratch/out" '^200$' "a registry, from a root that is thrown away"
  expect_text "$scratch/out" '^pulldrill.crt$' "our authority among the machine's"
fi

# A cold start finds its root as the machine has it; a warm one, and one behind a setup, as it was
# left.
starts() { # CACHE SETUP: what three starts on one lane find of those before them
  jq --arg cache "$1" --argjson setup "$2" '.subjects = {"look": ({"command": ["sh", "-c",
    "wc -l </srv/pulldrill-starts || echo none; hostname; echo x >>/srv/pulldrill-starts; hostname x"],
    "reach": "names", "machine": {"root": "overlay"}, "baked-in": true, "cache": $cache} + $setup)} |
    .faults = {} | .phases = [{"name": "steady", "starts": 3}] | .expect = [] | del(.proof) |
    .baseline = {"none": "it only looks"}' "$scratch/scenario.json" >"$scratch/starts.json"
  "$PULLDRILL" run "$scratch/starts.json" -q --out "$scratch/starts" >"$scratch/summary" 2>&1
  grep -vh 'cannot open' "$scratch"/starts/*/starts/[123].txt | tr '\n' ' '
}
if [ "$possible" = 1 ] && [ "$(id -u)" = 0 ]; then
  own=$(hostname)
  found=$(starts cold '{}')
  [ "$found" = "none $own none $own none $own " ] || fail "cold starts found: $found"
  found=$(starts warm '{}')
  [ "$found" = "none $own 1 x 2 x " ] || fail "warm starts found: $found"
  found=$(starts cold '{"setup": ["sh", "-c", "echo setup >/srv/pulldrill-starts"]}')
  [ "$found" = "1 $own 2 x 3 x " ] || fail "starts behind a setup found: $found"
  [ ! -e /srv/pulldrill-starts ] || fail "/srv was written"
fi

# ---- kill -9 ------------------------------------------------------------------------------------
# What there is of ours: namespaces held by processes or descriptors, mounts, processes.
held() {
  local id
  for id in $(cat "$scratch/spaces"); do
    find /proc/[0-9]*/ns /proc/[0-9]*/fd -lname "${id/\[/\\[}" 2>"$scratch/null"
  done
  grep -F "$scratch" /proc/[0-9]*/mountinfo 2>"$scratch/null"
  pgrep -f "$scratch/[k]eep.sh"
}
left() {
  held
  ls -A "$TMPDIR"
}
cat >"$scratch/keep.sh" <<'KEEP'
for kind in net mnt user; do readlink /proc/self/ns/$kind; done >"$1/list"
mkdir -p "$PULLDRILL_LANE_DIR/m" && mount -t tmpfs none "$PULLDRILL_LANE_DIR/m" 2>"$1/null"
setsid sleep 1000 &
echo >"$1/ready"
exec sleep 1000
KEEP
if [ "$possible" = 1 ]; then
  mkfifo "$scratch/ready"
  [ "$(id -u)" != 0 ] || overlay='{"root": "overlay"}'
  jq --arg scratch "$scratch" --argjson machine "${overlay:-{\}}" '.subjects = {"machine": {
    "command": ["bash", ($scratch + "/keep.sh"), $scratch], "timeout": "100s", "reach": "names",
    "machine": $machine}} | del(.proof)' "$scratch/scenario.json" >"$scratch/kill.json"
  # Even in a root that is thrown away, the pipe and the list have to come out.
  jq '.subjects.machine.machine = {}' "$scratch/kill.json" >"$scratch/kill-host.json"
  for scenario in kill-host; do
    "$PULLDRILL" run "$scratch/$scenario.json" -q --out "$scratch/killed" >"$scratch/out" 2>&1 &
    harness=$!
    read -r _ <"$scratch/ready"
    drill=$(pgrep -P "$harness")
    for kind in net mnt user; do readlink "/proc/self/ns/$kind"; done >"$scratch/own"
    grep -vxFf "$scratch/own" "$scratch/list" >"$scratch/spaces"
    [ "$(wc -l <"$scratch/spaces")" -ge 2 ] || fail "the lane has no namespaces of its own"
    [ -n "$(held)" ] || fail "nothing of a running lane was seen"
    kill -STOP "$harness"
    kill -9 "$drill" "$harness"
    wait "$harness" 2>"$scratch/null"
    until_nothing "kill -9 left" left
  done
fi

# ---- skips --------------------------------------------------------------------------------------
if unshare -U -r true 2>"$scratch/null"; then
  none() { # COMMAND...: where no namespace can be made
    unshare -U -r bash -c 'for kind in user net mnt; do
      echo 0 >/proc/sys/user/max_${kind}_namespaces; done; exec "$@"' bash "$@"
  }
  expect_exit 77 "without namespaces" none "$PULLDRILL" run "$scratch/scenario.json" -q \
    --out "$scratch/none"
  expect_text "$scratch/out" '^SKIPPED ' "the verdict"
  expect_text "$scratch/out" 'why: .*needs root or user namespaces' "why it was skipped"
  expect_agreement 77 "$scratch/none" "$scratch/out"
  grep -q '<skipped' "$scratch/none/junit.xml" || fail "junit.xml has no skip"
  [ "$(jq -r .verdict "$scratch"/none/*/journal.json)" = skipped ] || fail "the journal: no skip"
  expect_exit 77 "judged again" "$PULLDRILL" judge "$(echo "$scratch"/none/*/history.jsonl)"
  expect_exit 2 "--no-skip" none "$PULLDRILL" run "$scratch/scenario.json" -q --no-skip \
    --out "$scratch/none"
  expect_agreement 2 "$scratch/none" "$scratch/out"
  # One that passes beside it does not hide it.
  jq '.subjects.machine |= {"command": ["true"], "baked-in": true} | .faults = {} | del(.proof) |
    .phases = [{"name": "steady", "starts": 1}] | .expect = [] | .baseline = {"none": "no pull"}' \
    "$scratch/scenario.json" >"$scratch/passes.json"
  expect_exit 0 "a skip beside a pass" none "$PULLDRILL" run "$scratch/scenario.json" \
    "$scratch/passes.json" -q --out "$scratch/none"
  expect_exit 2 "the same with --no-skip" none "$PULLDRILL" run "$scratch/scenario.json" \
    "$scratch/passes.json" -q --no-skip --out "$scratch/none"
  expect_agreement 2 "$scratch/none" "$scratch/out"
  expect_exit 77 "a proof without namespaces" none "$PULLDRILL" prove "$scratch/scenario.json" -q \
    --out "$scratch/none"
else
  echo "skipped: namespaces cannot be forbidden here"
fi
finish

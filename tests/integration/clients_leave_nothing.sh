#!/usr/bin/env bash
# release only: what the clients leave is theirs
# Drills of real clients keep to the drill's own folders: no file of the machine is written, and none
# of its settings, credentials and caches is read; no mount, namespace or process is left, neither
# when all went well nor when the harness is killed in the middle.
#
# The drills run in a mount namespace of their own, in which whatever is written below the places
# that clients and daemons use lands in a folder of this test, and what must not be read is spoilt.
. tests/lib/clients.sh

[ "$(id -u)" = 0 ] || {
  echo "skip: daemons and mounts need root"
  finish
}
find_clients
places="etc home mnt opt root run srv usr var"
mkdir "$scratch/over" "$scratch/results" "$scratch/outside"
mkdir -m 1777 "$scratch/tmp"

# aside COMMAND...: with each of the places covered.
cat >"$scratch/aside" <<'S'
set -e
over=$1 places=$2
shift 2
mount -t tmpfs none "$over"
for place in $places; do
  mkdir -p "$over/$place/upper" "$over/$place/work"
  mount -t overlay -o "lowerdir=/$place,upperdir=$over/$place/upper,workdir=$over/$place/work" \
    none "/$place"
done
exec "$@"
S
aside() { unshare --mount --propagation private -- bash "$scratch/aside" "$scratch/over" "$places" "$@"; }
aside true 2>"$scratch/err" || {
  echo "skip: the machine's folders cannot be covered here: $(tail -n 1 "$scratch/err")"
  finish
}

# All that descends from a drill has its folder for temporary files in its environment.
drill() { # NAME: in the place of this shell
  echo $$ >"$scratch/outside/harness"
  exec env TMPDIR="$scratch/tmp" HOME=/root "$PULLDRILL" run "$scratch/$1.json" -q \
    --out "$scratch/results/$1"
}
processes() {
  local file
  for file in $(grep -lsF "TMPDIR=$scratch/tmp" /proc/[0-9]*/environ); do
    { tr "\0" " " <"${file%environ}cmdline" && echo; } 2>"$scratch/null"
  done
}
mounts() { grep -hsF "$scratch/tmp" /proc/[0-9]*/mountinfo; }
held() { # what holds one of the namespaces listed in the file
  local id
  for id in $(sort -u "$1"); do
    find /proc/[0-9]*/ns /proc/[0-9]*/fd -lname "${id/\[/\\[}" 2>"$scratch/null"
  done
}
spaces='for kind in net mnt user pid; do readlink /proc/self/ns/$kind; done'
own=$(bash -c "$spaces")
left() { # SPACES-FILE: all that is left of drills
  processes
  mounts
  held "$1"
  ls -A "$scratch/tmp"
}

# ---- a drill that ends well ---------------------------------------------------------------------
cat >"$scratch/pull" <<S
#!/usr/bin/env bash
"\$1" pull "\$2" || exit 1
{ $spaces; } >>"$scratch/outside/spaces"
S
chmod +x "$scratch/pull"
client_scenario names token cold "$scratch/pull" >"$scratch/well.json"

cat >"$scratch/well" <<'S'
poison="this is no setting: {"
mkdir -p /root/.docker /root/.config/containers /etc/containers/registries.conf.d /etc/docker \
  /etc/containerd /var/lib/containers/cache /root/.local/share/containers
for file in /root/.docker/config.json /root/.config/containers/{registries,storage,containers}.conf \
  /root/.config/containers/{policy.json,auth.json} /etc/containers/{registries,storage,containers}.conf \
  /etc/containers/policy.json /etc/containers/registries.conf.d/99-poison.conf \
  /etc/docker/daemon.json /etc/containerd/config.toml \
  /var/lib/containers/cache/blob-info-cache-v1.boltdb; do
  echo "$poison" >"$file"
done
seen() { find "$scratch"/over/*/upper -printf '%P %y %T@ %s\n' | sort; }
seen >"$scratch/outside/before"
cat /proc/self/mountinfo >"$scratch/outside/mounts-before"
(drill well)
status=$?
seen >"$scratch/outside/after"
cat /proc/self/mountinfo >"$scratch/outside/mounts-after"
exit $status
S
export -f drill
scratch=$scratch PULLDRILL=$PULLDRILL aside bash "$scratch/well" >"$scratch/out" 2>"$scratch/err" \
  </dev/null
status=$?
[ "$status" != 77 ] || {
  echo "skip: $(grep -m1 'why:' "$scratch/out")"
  finish
}
[ "$status" = 0 ] || {
  fail "a drill among spoilt settings: exit $status"
  tail -n 60 "$scratch/out" "$scratch/err" | sed 's/^/    /'
}
written=$(diff "$scratch/outside/before" "$scratch/outside/after")
[ -z "$written" ] || fail "written outside of the drill: $written"
diff "$scratch/outside/mounts-before" "$scratch/outside/mounts-after" >"$scratch/out" ||
  fail "mounts: $(cat "$scratch/out")"
grep -vxF "$own" "$scratch/outside/spaces" >"$scratch/spaces"
[ "$(sort -u "$scratch/spaces" | wc -l)" -ge "$((2 * ${#clients[@]}))" ] ||
  fail "lanes had no namespaces of their own: $(cat "$scratch/spaces")"
remains=$(left "$scratch/spaces")
[ -z "$remains" ] || fail "a drill that ended well left: $remains"

# ---- kill -9 in the middle of a start ----------------------------------------------------------
mkfifo "$scratch/outside/ready"
cat >"$scratch/stay" <<S
#!/usr/bin/env bash
"\$1" pull "\$2" || { echo "\$1 cannot pull" >"$scratch/outside/ready"; exit 1; }
{ $spaces; } >"$scratch/outside/\$(basename "\$(dirname "\$1")")"
echo ready >"$scratch/outside/ready"
exec sleep 1000
S
chmod +x "$scratch/stay"
client_scenario names token cold "$scratch/stay" >"$scratch/killed.json"
scratch=$scratch PULLDRILL=$PULLDRILL aside bash -c 'drill killed' >"$scratch/out" 2>"$scratch/err" \
  </dev/null &
aside=$!
exec 3<>"$scratch/outside/ready"
for name in "${clients[@]}"; do
  read -r line <&3
  [ "$line" = ready ] || { fail "not all starts hold their machines: $line"; break; }
done
harness=$(cat "$scratch/outside/harness")
for name in "${clients[@]}"; do cat "$scratch/outside/$name"; done |
  grep -vxF "$own" >"$scratch/spaces"
running=$(processes)
case " ${clients[*]} " in
  *" docker "*) grep -q "^dockerd " <<<"$running" || fail "no dockerd was running: $running" ;;
esac
case " ${clients[*]} " in
  *" ctr "*) grep -q "^containerd --config" <<<"$running" || fail "no containerd was running" ;;
esac
[ -n "$(mounts)" ] || fail "no mount of a running lane was seen"
[ -n "$(held "$scratch/spaces")" ] || fail "no namespace of a running lane was seen"
kill -STOP "$harness" # it must not see its drill end
kill -9 $(pgrep -P "$harness") "$harness"
wait "$aside" 2>"$scratch/null"
until_nothing "kill -9 left" left "$scratch/spaces"
finish

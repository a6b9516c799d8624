# What the client scripts share: to be sourced, with `client`, `program` and the steps defined by
# the script itself. The contract is in README.md.
set -eu

state=${PULLDRILL_LANE_DIR:?outside of a drill}/$client
config=$state/config
data=$state/data
cache=${CLIENT_CACHE:-cold}
origin=${CLIENT_ORIGIN:-}
mirror=${CLIENT_MIRROR:-}
plain=${CLIENT_PLAIN_HTTP:-no}

# complain TEXT...
complain() {
    echo "$client: $*" >&2
}

# need PROGRAM...: the drill is skipped where one is not installed.
need() {
    local one
    for one; do
        command -v "$one" >/dev/null || {
            complain "$one is not installed"
            exit 77
        }
    done
}

need_root() {
    [ "$(id -u)" = 0 ] || {
        complain "needs root, or a user namespace"
        exit 77
    }
}

# Nothing of the user's is read or written: no credentials, no settings, no cache.
private_home() {
    mkdir -p "$config" "$state/home" "$state/run" "$state/tmp"
    chmod 700 "$state/run"
    export HOME=$state/home XDG_CONFIG_HOME=$config XDG_RUNTIME_DIR=$state/run TMPDIR=$state/tmp
    export XDG_DATA_HOME=$state/home XDG_CACHE_HOME=$state/home
}

# wait_until COMMAND...: a daemon of setup answers, or is dead. The drill bounds it by `timeout`.
wait_until() {
    until "$@" >"$state/probe.log" 2>&1; do
        kill -0 "$daemon" 2>/dev/null || {
            complain "the daemon ended: $(tail -n 3 "$state/daemon.log")"
            exit 1
        }
        read -rt 0.05 <>"$state/never" || true
    done
}

# become_daemon COMMAND...: in the background, until the lane's teardown is over.
become_daemon() {
    [ -p "$state/never" ] || mkfifo "$state/never"
    "$@" >"$state/daemon.log" 2>&1 &
    daemon=$!
    echo "$daemon" >"$state/daemon.pid"
}

end_daemon() {
    [ -f "$state/daemon.pid" ] || return 0
    daemon=$(cat "$state/daemon.pid")
    kill "$daemon" 2>/dev/null || return 0
    [ -p "$state/never" ] || mkfifo "$state/never"
    while kill -0 "$daemon" 2>/dev/null; do
        read -rt 0.05 <>"$state/never" || true
    done
}

# tell_result DIGEST: what landed, by way of a temporary file.
tell_result() {
    [ -n "${PULLDRILL_RESULT:-}" ] || return 0
    printf '{"digest": "%s"}\n' "$1" >"$PULLDRILL_RESULT.part"
    mv "$PULLDRILL_RESULT.part" "$PULLDRILL_RESULT"
}

# registries.conf of podman, skopeo and buildah: the mirror first, the origin last.
write_registries_conf() {
    local insecure=false
    [ "$plain" = no ] || insecure=true
    {
        echo 'unqualified-search-registries = []'
        echo 'short-name-mode = "enforcing"'
        if [ -n "$origin" ]; then
            printf '[[registry]]\nlocation = "%s"\ninsecure = %s\n' "$origin" "$insecure"
        fi
        if [ -n "$mirror" ]; then
            printf '[[registry.mirror]]\nlocation = "%s"\ninsecure = %s\n' "$mirror" "$insecure"
        fi
    } >"$config/registries.conf"
    export CONTAINERS_REGISTRIES_CONF=$config/registries.conf
}

# policy.json and storage.conf of podman, skopeo and buildah. They keep no owners: in a user namespace
# files of an image may have owners that are not to be had there.
write_containers_conf() {
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$config/policy.json"
    {
        printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/data"\n' "$short" "$short"
        printf '[storage.options.vfs]\nignore_chown_errors = "true"\n'
    } >"$config/storage.conf"
    printf '[network]\nnetwork_config_dir = "%s/config/cni"\n' "$short" >"$config/containers.conf"
    export CONTAINERS_STORAGE_CONF=$config/storage.conf CONTAINERS_CONF=$config/containers.conf
}

# Where podman, buildah and skopeo find the lane's folder while they are isolated: podman takes none
# whose name is longer than 50 bytes.
short=/mnt
[ "$(id -u)" = 0 ] || short=$state

# isolated COMMAND...: with a /var/lib that is thrown away, with our settings for the system's, and
# with the lane's folder at $short. As root, podman, skopeo and buildah keep a cache of where blobs
# were seen in /var/lib/containers (the host's is hidden: one that is being written they do not
# survive), and read registries.conf.d and certs.d below /etc/containers: nothing on a command line
# tells them not to.
isolated() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
        return
    fi
    mkdir -p "$state/over"
    STATE=$state SHORT=$short unshare --mount --propagation private -- sh -ec '
        over=$STATE/over
        mount -t tmpfs -o mode=700 over "$over"
        mkdir "$over/upper" "$over/work"
        mount -t overlay -o "lowerdir=/var/lib,upperdir=$over/upper,workdir=$over/work" over /var/lib
        [ ! -d /var/lib/containers ] ||
            mount -t tmpfs -o mode=700 containers /var/lib/containers
        [ ! -d /etc/containers ] || mount --bind "$STATE/config" /etc/containers
        mount --bind "$STATE" "$SHORT"
        unset STATE SHORT
        exec "$@"' sh "$@"
}

# cold: nothing of an earlier start is left.
forget() {
    rm -rf "$data"
    mkdir -p "$data"
}

usage() {
    echo "usage: client describe | setup | prepare | pull REF | inspect REF | teardown" >&2
    exit 64
}

# dispatch WORD [REF]: the step that is asked for.
dispatch() {
    private_home
    case ${1:-} in
    describe) printf '{"client": "%s", "version": "%s"}\n' "$client" "$(version)" ;;
    setup | prepare | teardown) "$1" ;;
    pull | inspect)
        [ $# -eq 2 ] || usage
        "$@"
        ;;
    *) usage ;;
    esac
}

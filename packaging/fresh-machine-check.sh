#!/usr/bin/env bash
# Proves that `make test`, `make run` and `make package` work on a fresh Debian that has git, make and python3 and nothing else.
#
#   packaging/fresh-machine-check.sh bookworm|trixie [test|run|user|package]
#
# test   clones this checkout's last commit into the fresh system and runs `make test`
# run    the same with `make run` on a virtual screen, twice: the window has to appear, the second time at once; then asks the
#        starter model a question in the terminal
# package the same with `make package`, from nothing
# user   the same without administrator rights: has to stop with the one line to type
#
# Needs root, debootstrap, and for `run` Xvfb and xwininfo. The apt and pip configuration of this machine (proxies, mirrors,
# certificates) is used inside too. Variables: FRESH_CACHE keeps the bare systems, FRESH_LIMIT is the limit in seconds.
set -euo pipefail

suite=${1:?usage: $0 bookworm|trixie [test|run|user|package]}
task=${2:-test}
limit=${FRESH_LIMIT:-3000}
repository=$(cd "$(dirname "$0")/.." && git rev-parse --show-toplevel)
cache=${FRESH_CACHE:-$repository/build/fresh}
archive=$cache/$suite.tar
screen=
root=$(mktemp -d "${TMPDIR:-/tmp}/tether-$suite-XXXXXX")

make_bare_system() {
    [ -e "$archive" ] && return
    mkdir -p "$cache"
    debootstrap --variant=minbase --include=git,make,python3 "$suite" "$root/bare"
    tar -C "$root/bare" -cf "$archive.part" .
    mv "$archive.part" "$archive"
    rm -rf "$root/bare"
}

copy_configuration() {
    local file
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    for file in /etc/apt/apt.conf.d/*proxy* /etc/pip.conf; do
        [ -e "$file" ] && cp "$file" "$root$file"
    done
    if [ -d /usr/local/share/ca-certificates ]; then
        mkdir -p "$root/usr/local/share/ca-certificates"
        cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    fi
}

make_system() {
    make_bare_system
    tar -C "$root" -xf "$archive"
    copy_configuration
    git clone --quiet --no-local "$repository" "$root/home/tether"
}

# Becomes a command inside. The mounts live in a namespace of their own and end with the command, so that removing the folder can
# never reach this machine's files.
enter() {
    local kept=()
    while IFS='=' read -r name value; do
        case $name in
        PIP_FIND_LINKS) ;; # a folder of this machine
        PIP_* | *_proxy | *_PROXY | SSL_CERT_* | DISPLAY) kept+=("$name=$value") ;;
        esac
    done < <(env)
    # shellcheck disable=SC2016
    exec timeout --foreground --kill-after=30 "$limit" unshare --mount --pid --fork --kill-child sh -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/dev/shm"
        exec chroot "$root" "$@"
    ' sh "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${kept[@]}" "$@"
}

window_is_shown() {
    xwininfo -root -tree | grep -q '"Tether'
}

now() { date +%s%3N; }

# Starts the program as a newcomer does, waits for its window, and says how long that took.
run_until_window() {
    local started pid
    started=$(now)
    enter sh -c 'cd /home/tether && exec make run' </dev/null &
    pid=$!
    until window_is_shown; do
        kill -0 "$pid" 2>/dev/null || { wait "$pid" || echo "make run ended with $?"; return 1; }
        sleep 0.1
    done
    echo "== the window is there after $(($(now) - started)) ms"
    sleep 3
    import -window root "$cache/$suite-$1.png" 2>/dev/null || true
    window_is_shown
    kill -TERM "$pid"
    wait "$pid" 2>/dev/null || true
    while window_is_shown; do sleep 0.1; done
}

run_on_screen() {
    local number=90 said
    while [ -e "/tmp/.X11-unix/X$number" ]; do number=$((number + 1)); done
    export DISPLAY=:$number
    Xvfb "$DISPLAY" -screen 0 1280x800x24 -nolisten tcp -ac &
    screen=$!
    sleep 2
    echo "== first start"
    run_until_window first
    echo "== second start"
    run_until_window second
    echo "== one question"
    (enter sh -c 'cd /home/tether && .venv/bin/tether models list')
    said=$(enter sh -c 'cd /home/tether && .venv/bin/tether chat --once "Name three colours." --json') || true
    echo "$said"
    tail -n 1 <<<"$said" | grep -q '"type": "done"'
}

refuse_without_rights() {
    local said
    (enter useradd --create-home newcomer)
    (enter chown -R newcomer /home/tether)
    said=$(enter setpriv --reuid newcomer --regid newcomer --clear-groups sh -c 'cd /home/tether && make test' 2>&1) && return 1
    echo "$said"
    grep -q "su -c 'apt-get update && apt-get install" <<<"$said"
}

clean_up() {
    [ -z "$screen" ] || kill "$screen"
    rm -rf --one-file-system "$root"
}

trap clean_up EXIT
make_system
case $task in
test) (enter sh -c 'cd /home/tether && CI=true exec .ci/run' </dev/null) ;;
run) run_on_screen ;;
user) refuse_without_rights ;;
package) (enter sh -c 'cd /home/tether && exec make package' </dev/null) ;;
*) echo "unknown task: $task" >&2 && exit 2 ;;
esac
echo "== $suite $task: passed"

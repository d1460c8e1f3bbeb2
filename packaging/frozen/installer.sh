#!/bin/sh
# Tether @VERSION@, @EDITION@: unpacks itself into a folder of yours and puts itself into the menu. No administrator is needed.
#
#   sh @FILE@                     into ~/.local/lib/tether-desktop
#   sh @FILE@ --target FOLDER     into another folder
#   sh @FILE@ --portable FOLDER   the same, but keeps all data in that folder too, and leaves the menu alone
set -eu

script_bytes=@SIZE@
payload_sha256=@SHA256@
needed_kilobytes=@KILOBYTES@
oldest_glibc=@GLIBC@

fail() {
    printf 'tether: %s\n' "$1" >&2
    exit 1
}

usage() {
    sed -n '2,6s/^# \{0,1\}//p' "$0"
}

read_arguments() {
    target=${HOME:-}/.local/lib/tether-desktop
    portable=
    while [ $# -gt 0 ]; do
        case $1 in
        --target) target=${2:?the folder is missing}; shift ;;
        --portable) target=${2:?the folder is missing}; portable=yes; shift ;;
        --help | -h) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
        esac
        shift
    done
    case $target in /*) ;; *) target=$PWD/$target ;; esac
    target=${target%/}
    part=$target.part
    old=$target.old
}

check_system() {
    [ "$(uname -s)" = Linux ] && [ "$(uname -m)" = x86_64 ] || fail "This is for Linux on x86-64; here is $(uname -s) on $(uname -m)."
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/.* //') || glibc=
    [ -n "$glibc" ] || fail "This needs glibc $oldest_glibc or newer, which this system does not have."
    lower=$(printf '%s\n%s\n' "$glibc" "$oldest_glibc" | sort -t. -k1,1n -k2,2n | head -n 1)
    [ "$lower" = "$oldest_glibc" ] || fail "This needs glibc $oldest_glibc or newer (Debian 12, Ubuntu 24.04); here is $glibc."
}

check_target() {
    # An installation that was cut off between its last two steps.
    [ -e "$target" ] || [ ! -e "$old" ] || mv "$old" "$target"
    if [ -e "$target" ] && [ ! -x "$target/tether" ] && [ -n "$(ls -A "$target")" ]; then
        fail "$target holds something else, and stays as it is. Choose another folder with --target."
    fi
    parent=$(dirname "$target")
    mkdir -p "$parent" 2>/dev/null && [ -w "$parent" ] || fail "$parent cannot be written. Choose another folder with --target."
    rm -rf "$part"
    free=$(df -Pk "$parent" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$needed_kilobytes" ] ||
        fail "$((needed_kilobytes / 1024)) MB are needed in $parent, and $((free / 1024)) MB are free. Nothing was changed."
}

payload() {
    tail -c "+$((script_bytes + 1))" "$0"
}

unpack() {
    trap 'rm -rf "$part"' EXIT
    trap 'exit 1' HUP INT TERM
    sum=$(payload | sha256sum)
    [ "${sum%% *}" = "$payload_sha256" ] || fail "This file is not complete or was changed. Download it again."
    mkdir "$part"
    payload | tar -xzf - -C "$part" || fail "It could not be unpacked into $part. Nothing was changed."
}

# What belongs to the person, and what was added, goes along into the new folder.
take_over() {
    for name in data portable compiler; do
        if [ -e "$old/$name" ] && [ ! -e "$target/$name" ]; then
            mv "$old/$name" "$target/$name"
        fi
    done
}

put_in_place() {
    rm -rf "$old"
    [ ! -e "$target" ] || mv "$target" "$old"
    mv "$part/tether" "$target"
    [ -z "$portable" ] || [ -e "$target/portable" ] || [ -e "$old/portable" ] || : >"$target/portable"
    [ ! -e "$old" ] || take_over
    rm -rf "$old"
}

add_to_menu() {
    if [ -e "$target/portable" ]; then
        echo "Tether is in $target and keeps everything there. Start it with $target/tether"
    elif "$target/tether" desktop add >/dev/null 2>&1; then
        echo "Tether is installed in $target, and in the menu. In a new terminal, tether starts it too."
    else
        echo "Tether is installed in $target. Start it with $target/tether"
    fi
}

read_arguments "$@"
check_system
check_target
unpack
put_in_place
add_to_menu
# What follows is no text any more.
exit 0

#!/bin/sh
# Removes a Tether that was installed for one person: its menu entry and the folder of this script.
# Conversations, models and settings stay, unless --data is given, which asks before it erases them.
set -eu

here=$(CDPATH="" cd -- "$(dirname -- "$0")" && pwd -P)
if [ ! -x "$here/tether" ] || [ ! -d "$here/_internal" ]; then
    echo "tether: $here is not a folder that Tether was installed to, so nothing was removed." >&2
    exit 1
fi
case "${1:-}" in
    "") ;;
    --data) "$here/tether" uninstall --data >/dev/null ;;
    *) echo "usage: $0 [--data]" >&2; exit 2 ;;
esac
"$here/tether" desktop remove
if [ -e "$here/portable" ]; then
    echo "tether: this copy keeps its data beside it, so its folder stays: $here" >&2
    exit 0
fi
rm -rf -- "$here"
echo "Tether is removed."

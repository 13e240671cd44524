#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proves the promise of the README: in a minimal Debian 12, with nothing but make and git, `make test` installs what
# it needs and passes. Takes minutes and about 2 GB; needs root and debootstrap.
#
#     tests/clean_root.sh [COMMAND ...]      default: make test
set -euo pipefail
cd "$(dirname "$0")/.."

root=$(mktemp -d "${TMPDIR:-/tmp}/limeload-root.XXXXXX")
chmod 755 "$root" # as / is: tests change to users who must get through it
# Also what tests have mounted below it, such as the folder of network namespaces; last first. Nothing is removed
# while something is still mounted.
clean() {
    awk -v below="$root/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | while read -r place; do
        umount "$place" || umount -l "$place"
    done
    grep -q " $root/" /proc/mounts || rm -rf --one-file-system "$root"
}
trap clean EXIT

bind() {
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
}

echo "== a minimal Debian 12 in $root"
debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || { tail -20 "$root.log"; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
bind /sys
bind /dev

echo "== a clean clone"
chroot "$root" sh -c 'apt-get update && apt-get install -y --no-install-recommends make git' >/dev/null 2>&1
git clone -q . "$root/limeload"

[ $# -gt 0 ] || set -- make test
echo "== $*"
started=$SECONDS
# What the caller has in its environment must not help.
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 chroot "$root" sh -c 'cd /limeload && exec "$@"' sh "$@"
echo "== took $((SECONDS - started)) s"

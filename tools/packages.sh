#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of packages.txt that are missing, for the purposes named on the command line.
set -eu
cd "$(dirname "$0")/.."

missing=
for purpose in "$@"; do
    for package in $(awk -v purpose="$purpose" '$1 == purpose { print $2 }' packages.txt); do
        case " $missing " in *" $package "*) continue ;; esac
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "limeload: this is not a Debian system; install these packages' equivalents:$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "limeload: missing packages; as root, run: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "limeload: installing missing packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# A service that a package starts by itself would sit on ports that the tests use.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "limeload: installing failed; try by hand: apt-get update && apt-get install$missing" >&2
    exit 1
fi

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mayfly on Debian 13, in a root of its own (as root; it downloads about 400 MB): the
# README's first command there, and what only that Debian has libraries for: Vulkan for
# guests.
#
# limit: 1800 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

[ "$(id -u)" = 0 ] || skip_all "not root"
command -v mmdebstrap > /dev/null || skip_all "no mmdebstrap (scripts/setup disk)"
# A root's programs can't be unpacked where nothing may be executed.
root=$(mktemp -d "${TMPDIR:-/var/tmp}/mayfly-debian13.XXXXXX")
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
# Runs $1 there, with the mounts gone when it ends.
inside()
{
    # shellcheck disable=SC2016  # the inner shell expands it
    unshare --mount --pid --fork sh -c '
        mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc" &&
            mount -t sysfs sysfs "$1/sys" && mount -t tmpfs tmp "$1/tmp" &&
            exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
                TERM=dumb LC_ALL=C.UTF-8 sh -c "cd /mayfly && $2"' - "$root" "$1" \
        > "$root/said" 2>&1 < /dev/null || {
        tail -n 30 "$root/said" | sed 's/^/# /'
        return 1
    }
}

says()
{
    grep -Eq "$1" "$root/said"
}

check "a root of Debian 13" mmdebstrap --quiet --variant=minbase --include=make trixie \
    "$root"
mkdir "$root/mayfly"
git archive HEAD | tar -x -C "$root/mayfly"
check "make demo" inside 'make demo'
check "... ends well" says '^demo: .*powered off'
# shellcheck disable=SC2016  # expands there
check "no compiler warning" inside \
    './configure --enable-werror && make clean > /dev/null && make -j"$(nproc)"'
inside 'scripts/setup test'
check "guests made of its packages" inside 'scripts/guest-gl gl vulkan'
check "Vulkan for guests" inside \
    'MAYFLY=build/mayfly MAYFLY_MODULES=build/modules BUILD=build tests/ui/gl-venus.sh'
sed 's/^/# /' "$root/said"
check "... all of it" says '^1\.\.2[0-9]$'
finish

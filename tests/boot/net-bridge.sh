#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A bridge in a network namespace of its own, and interfaces that QEMU's helper makes and
# puts into it: -netdev bridge, -netdev tap,helper=.  A guest fetches a file through it.
#
# limit: 600 seconds

helper=/usr/lib/qemu/qemu-bridge-helper
# shellcheck source=tests/lib/netns.sh
. tests/lib/netns.sh
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
[ -x "$guests/busybox" ] || skip_all "no busybox (made by: scripts/guest cloud)"
[ -x $helper ] || skip_all "no $helper (package qemu-system-common)"
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill $server; vm_stop; umount -l /etc "$dir/etc" 2> /dev/null; rm -rf "$dir" "$vm_dir"' EXIT
# What the helper allows is in /etc/qemu: another /etc above this one, here alone.
other_etc()
{
    mkdir "$dir/etc" && mount -t tmpfs none "$dir/etc" &&
        mkdir "$dir/etc/new" "$dir/etc/work" &&
        mount -t overlay overlay \
            -o "lowerdir=/etc,upperdir=$dir/etc/new,workdir=$dir/etc/work" /etc &&
        mkdir -p /etc/qemu && echo "allow br0" > /etc/qemu/bridge.conf
}

other_etc 2> /dev/null || skip_all "not allowed to mount an overlay"
ip link add br0 type bridge 2> /dev/null || skip_all "this kernel has no bridges"
ip address add 192.168.9.1/24 dev br0
ip link set lo up
ip link set br0 up
mkdir "$dir/www"
head -c 4000000 /dev/urandom > "$dir/www/blob"
sum=$(md5sum < "$dir/www/blob" | cut -d " " -f 1)
"$guests/busybox" httpd -f -p 80 -h "$dir/www" &
server=$!
ports_listen 80

boot cloud "quiet mayfly.net=192.168.9.2 mayfly.run=\"until wget -q -O /tmp/blob http://192.168.9.1/blob; do sleep 1; done; echo sum: \$(md5sum < /tmp/blob)\"" \
    -netdev bridge,id=n -device virtio-net-pci,netdev=n
check "bridge: a file from the host" says "^sum: $sum"
check "bridge: power-off ends with status 0" ends_with 0
check "bridge: the interface is gone" sh -c '! ip link show master br0 | grep .'

# has_member OPTIONS: an interface of ours is in the bridge.
has_member()
{
    vm_start -accel soft -display none -nodefaults -S -netdev "$1" \
        -device virtio-net-pci,netdev=n
    n=0
    until ip link show master br0 | grep -q tap || [ $n = 100 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    vm_stop
    [ $n -lt 100 ]
}

check "tap,helper=,br=: in the bridge" has_member "tap,id=n,helper=$helper,br=br0"
check "a helper with words of its own" has_member "bridge,id=n,helper=$helper --br=br0"
# The helper has said why before.
refused_last()
{
    pattern=$1
    shift
    timeout 60 "$MAYFLY" "$@" < /dev/null > /dev/null 2> "$dir/errors"
    [ $? = 1 ] && tail -n 1 "$dir/errors" | grep -q -e "$pattern"
}

none="-accel soft -display none -nodefaults"
# shellcheck disable=SC2086
check "a bridge that is not allowed" refused_last \
    "-netdev bridge,id=n,br=br1: bridge helper '$helper' failed for bridge 'br1'\$" \
    $none -netdev bridge,id=n,br=br1
# shellcheck disable=SC2086
check "no such helper" refused \
    "helper=/nonexistent: bridge helper '/nonexistent': No such file or directory\$" \
    $none -netdev bridge,id=n,helper=/nonexistent
# shellcheck disable=SC2086
check "a helper that sends nothing" refused \
    "bridge helper '/bin/true' sent no interface for bridge 'br0'\$" \
    $none -netdev tap,id=n,helper=/bin/true
finish

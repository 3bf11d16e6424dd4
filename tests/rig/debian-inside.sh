#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/debian.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
export MAYFLY_BOOT_LIMIT=800
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

debian=$MAYFLY_DEBIAN
mkdir -p /tmp/www
head -c 4000000 /dev/urandom > /tmp/www/blob
sum=$(md5sum < /tmp/www/blob | cut -d ' ' -f 1)
ip link set lo up
"$guests/busybox" httpd -f -p 127.0.0.1:8080 -h /tmp/www &
server=$!
trap 'kill $server; vm_stop; rm -rf "$vm_dir"' EXIT

vm_start -accel kvm -cpu host,-xsave -machine q35 -m 512M -smp 1 -nodefaults -display none \
    -serial stdio -drive "file=$debian/disk.img,format=raw,if=virtio,snapshot=on" \
    -nic user
check "SeaBIOS and GRUB, from virtio-blk: the menu" says 'Debian from its disk'
check "the login prompt" says 'debian login:'
vm_send root
check "root is in" says 'root@debian:~#'
vm_send 'until ip -4 -br addr show eth0 | grep -q 10.0.2.15; do sleep 1; done; cat /etc/os-release'
check "the network is up, unasked" says '^ID=debian'
vm_send 'exec 3<>/dev/tcp/10.0.2.2/8080; printf "GET /blob HTTP/1.0\r\n\r\n" >&3; sed "1,/^\r\$/d" <&3 | md5sum; uname -v'
check "a file from the host" says "$sum"
vm_send 'poweroff'
check "power-off ends with status 0" ends_with 0
# It warns of what takes long, and here all does.
check "no fault in the kernel log" never_says 'BUG:|Oops|general protection|I/O error'
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux's virtio_console driver: a console on hvc0 that is typed at, named ports on two
# controllers, a megabyte through one of them.
#
# limit: 300 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

# shellcheck disable=SC2016  # the guest's shell expands it
vm_start -accel "$accel" -m 256M -nodefaults -display none -serial "file:$dir/kernel" \
    -chardev stdio,id=c0 -device virtio-serial-pci -device virtconsole,chardev=c0 \
    -chardev "file,id=c1,path=$dir/first" -device virtserialport,chardev=c1,name=org.first \
    -device virtio-serial-pci,id=other \
    -chardev "file,id=c2,path=$dir/second" \
    -device virtserialport,bus=other.0,nr=5,chardev=c2,name=org.second \
    -kernel "$guests/cloud/vmlinuz" -initrd "$guests/cloud/initrd" \
    -append 'console=ttyS0 mayfly.run="exec < /dev/hvc0 > /dev/hvc0 2>&1; cat /sys/class/virtio-ports/*/name; echo type now; read -r line; echo it was $line; head -c 1000000 /dev/zero > /dev/vport0p1; md5sum < /bin/busybox > /dev/vport1p5; echo all sent"'
check "hvc0: the guest writes" says '^type now'
check "named ports on two controllers" \
    [ "$(sed -n '/^org/p' "$vm_log" | tr '\n' ' ')" = "org.first org.second " ]
vm_send "a line"
check "hvc0: the guest reads" says '^it was a line'
check "the ports take everything" says '^all sent'
check "power-off ends with status 0" ends_with 0
check "a megabyte arrived" [ "$(wc -c < "$dir/first")" = 1000000 ]
check "the other port has its own" \
    [ "$(cat "$dir/second")" = "$(md5sum < "$guests/busybox")" ]
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Disks under a Linux guest (virtio-blk, raw images): what it reads is what is in the
# file, what it wrote and flushed is there after kill -9, -snapshot keeps the file as it
# is, and a full file system stops the machine until there is room.
#
# limit: 1500 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
disks=$(mktemp -d)
trap 'vm_stop; umount "$disks/full" 2> /dev/null; rm -rf "$vm_dir" "$disks"' EXIT
disk=$disks/disk.img

new_disk()
{
    head -c 8M /dev/urandom > "$disk"
}

sum_of()
{
    sha256sum < "$1" | cut -d ' ' -f 1
}

# What the guest does with its disk: read all, change 2 MiB of it, flush, read again.
work='sha256sum /dev/vda; dd if=/bin/busybox of=/dev/vda bs=64k seek=20 count=16 conv=fsync;'
work="$work dd if=/bin/busybox of=/dev/vda bs=512 seek=77 count=33 oflag=direct; sync;"
work="$work echo 3 > /proc/sys/vm/drop_caches; sha256sum /dev/vda"

# The two sums that the guest saw.
seen()
{
    sed -n 's,  /dev/vda$,,p' "$vm_log" | sed -n "$1p"
}

round_trip()
{
    what=$1
    shift
    new_disk
    before=$(sum_of "$disk")
    boot cloud "quiet mayfly.run=\"$work\"" "$@"
    check "$what: the guest ends well" ends_with 0
    check "$what: it reads what is there" [ "$(seen 1)" = "$before" ]
    check "$what: what it wrote is there" [ "$(seen 2)" = "$(sum_of "$disk")" ]
    check "$what: and is not what was there" [ "$(seen 2)" != "$before" ]
    check "$what: the kernel log is clean" never_says "$trouble|I/O error"
}

round_trip "if=virtio" -drive "file=$disk,format=raw,if=virtio"
round_trip "aio=threads, cache=none, two queues" -smp 2 \
    -drive "file=$disk,format=raw,if=none,id=d,aio=threads,cache=none" \
    -device virtio-blk-pci,drive=d,num-queues=2
round_trip "I/O thread, -blockdev, cache.direct" -object iothread,id=t \
    -blockdev "driver=file,node-name=f,filename=$disk,cache.direct=on" \
    -blockdev "{\"driver\":\"raw\",\"node-name\":\"d\",\"file\":\"f\"}" \
    -device virtio-blk-pci,drive=d,iothread=t
round_trip "split rings, no MSI-X, I/O thread" -object iothread,id=t \
    -drive "file=$disk,format=raw,if=none,id=d,cache=writethrough" \
    -device virtio-blk-pci,drive=d,iothread=t,packed=off,vectors=0

new_disk
before=$(sum_of "$disk")
boot cloud "quiet mayfly.run=\"$work\"" -snapshot -drive "file=$disk,format=raw,if=virtio"
check "-snapshot: the guest ends well" ends_with 0
check "-snapshot: it reads what it wrote" [ "$(seen 2)" != "$before" ]
check "-snapshot: the file is as it was" [ "$(sum_of "$disk")" = "$before" ]

# A flush that the guest was told of survives the process.
work="dd if=/bin/busybox of=/dev/vda bs=64k count=16 conv=fsync && echo flushed;"
work="$work while :; do dd if=/dev/urandom of=/dev/vda bs=64k seek=32 count=64; done"
boot cloud "quiet mayfly.run=\"$work\"" \
    -drive "file=$disk,format=raw,if=virtio"
check "kill -9: the guest writes" says '^flushed'
vm_signal KILL
vm_wait
check "kill -9: what was flushed is there" \
    [ "$(head -c 1M "$disk" | sha256sum)" = "$(head -c 1M "$guests/busybox" | sha256sum)" ]

# A file system that is full: the machine stands, and goes on when there is room.
mkdir "$disks/full"
if mount -t tmpfs -o size=4m none "$disks/full" 2> /dev/null; then
    truncate -s 16M "$disks/full/disk.img"
    vm_start -accel "$accel" -machine q35 -m 512M -nodefaults -display none -serial mon:stdio \
        -kernel "$guests/cloud/vmlinuz" -initrd "$guests/cloud/initrd" -append \
        "console=ttyS0 quiet mayfly.run=\"dd if=/dev/zero of=/dev/vda bs=1M count=16 conv=fsync && echo written\"" \
        -drive "file=$disks/full/disk.img,format=raw,if=virtio" -no-reboot
    vm_expect '^mayfly-guest: ready'
    vm_ticks=600
    while ! grep -q 'io-error' "$vm_errors" && [ $vm_ticks -gt 0 ]; do
        sleep 0.1
        vm_ticks=$((vm_ticks - 1))
    done
    check "full: the machine stands" grep -q 'io-error' "$vm_errors"
    vm_type '\001c'
    vm_send 'info status'
    check "full: the monitor says so" says 'paused \(io-error\)'
    mount -o remount,size=32m "$disks/full"
    vm_send cont
    vm_type '\001c'
    check "full: with room it goes on" says '^written'
    check "full: the guest ends well" ends_with 0
    umount "$disks/full"
else
    skip "full file system" "mounting one is not allowed here"
fi
finish

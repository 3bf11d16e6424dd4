#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Disks of -blockdev in a snapshot: a part of a raw file, an image over another one than
# its header says, one that can't be written; what was written to them before the save and
# by runs from it; what is refused.
#
# limit: 300 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
img=${MAYFLY%/*}/mayfly-img
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
obey='set -f; echo to be saved; while read -r x; do eval $x; done'

for name in whole below other; do
    head -c 3000000 /dev/urandom > "$dir/$name"
done
truncate -s 3000320 "$dir/below" "$dir/other"
"$img" create -q -f qcow2 -b "$dir/other" -F raw "$dir/top"

# The files that the guest does not write, and how its disks begin.
sums()
{
    (cd "$dir" && cat below other | cksum)
}

part=$(dd if="$dir/whole" bs=512 skip=100 count=4000 2> /dev/null | md5sum | cut -d ' ' -f 1)
over=$(md5sum < "$dir/below" | cut -d ' ' -f 1)
before=$(sums)

boot cloud "quiet mayfly.run=\"$obey\"" \
    -blockdev "raw,node-name=part,offset=51200,size=2048000,read-only=on,file.driver=file,file.filename=$dir/whole" \
    -device virtio-blk-pci,drive=part \
    -blockdev "file,node-name=low,filename=$dir/below,read-only=on" \
    -blockdev "raw,node-name=base,file=low,read-only=on" \
    -blockdev "qcow2,node-name=top,backing=base,file.driver=file,file.filename=$dir/top" \
    -device virtio-blk-pci,drive=top \
    -snapshot-when "save me,to=$dir/one,exit=on"
says '^to be saved'
vm_send 'md5sum < /dev/vda; md5sum < /dev/vdb; echo read'
says '^read'
check "the part of a file" grep -q "^$part" "$vm_log"
check "the image over the one that the option says" grep -q "^$over" "$vm_log"
vm_send 'head -c 9000 /bin/busybox | dd of=/dev/vdb bs=1000 seek=500 conv=notrunc,fsync; md5sum < /dev/vdb > /tmp/b; md5sum < /dev/vda > /tmp/a; echo save "me"'
check "is saved" ends_with 0
top=$(cksum < "$dir/top")

compare='echo 3 > /proc/sys/vm/drop_caches; md5sum < /dev/vda | cmp - /tmp/a && md5sum < /dev/vdb | cmp - /tmp/b && echo disks "as they were"'
vm_start -loadvm "$dir/one" -snapshot-when "once more,to=$dir/two,exit=on"
vm_send "$compare"
check "a run finds them as they were" says '^disks as they were'
vm_send 'head -c 7000 /bin/busybox | dd of=/dev/vdb bs=1000 seek=1500 conv=notrunc,fsync; md5sum < /dev/vdb > /tmp/b; echo 1 | dd of=/dev/vda 2> /dev/null || echo vda is "fixed"; echo once "more"'
check "and is saved itself" ends_with 0
check "one that can't be written is still so" grep -q '^vda is fixed' "$vm_log"
check "the run has changed no image" [ "$top $before" = "$(cksum < "$dir/top") $(sums)" ]
check "flattened" "$img" snapshot-flatten "$dir/two"
vm_start -loadvm "$dir/two" -accel soft,jit=off
vm_send "$compare"
check "what that run has written is there, too" says '^disks as they were'
vm_stop

touch "$dir/below"
check "the image below has changed: refused by name" refused 'below has changed since' -loadvm "$dir/one"
boot cloud "quiet mayfly.run=\"$obey\"" -blockdev null-co,node-name=none,size=1M \
    -device virtio-blk-pci,drive=none -snapshot-when "to be saved,to=$dir/none,exit=on"
check "a disk that is no file: status 1" ends_with 1
check "a disk that is no file: is named" grep -q "disk 'none': it is no file but 'null-co'" "$vm_errors"
boot cloud "quiet mayfly.run=\"$obey\"" -blockdev "file,node-name=both,filename=$dir/whole,read-only=on" \
    -device virtio-blk-pci,drive=both -device virtio-blk-pci,drive=both \
    -snapshot-when "to be saved,to=$dir/both,exit=on"
check "one node in two devices: status 1" ends_with 1
check "one node in two devices: is named" grep -q "disk 'both': two devices have this node" "$vm_errors"
finish

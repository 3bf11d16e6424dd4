#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# share-rw=on: two machines have one raw image, each has said so.  With another monitor
# as PEER (qemu-system-x86_64) that one has it first.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

: "${PEER:=$MAYFLY}"
truncate -s 1M "$dir/raw"
drive=format=raw,if=none,id=d,file=$dir/raw
lock="is another process using the image [$dir/raw]?"

# first OPTION ...: a machine that stands, with its monitor at descriptor 3.
first()
{
    rm -f "$dir/in"
    mkfifo "$dir/in"
    : > "$dir/first"
    timeout 60 "$PEER" -M q35 -accel "$accel" -m 16 -nodefaults -display none -S \
        -monitor stdio "$@" < "$dir/in" > "$dir/first" 2>&1 &
    exec 3> "$dir/in"
    echo 'info status' >&3
    tries=200
    until grep -q 'VM status' "$dir/first" || [ $tries = 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
}

gone()
{
    echo quit >&3
    exec 3>&-
    wait
}

# works NAME OPTION ...: a second one begins, and ends when its monitor says so.
works()
{
    name=$1
    shift
    status=0
    echo quit | timeout 20 "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none -S \
        -monitor stdio "$@" > "$dir/out" 2> "$dir/errors" || status=$?
    check "$name" ended 0
}

# resizes NAME SIZE TEXT OPTION ...: block_resize in a second one says TEXT.
resizes()
{
    name=$1 size=$2 text=$3
    shift 3
    { echo "block_resize d $size" && echo quit; } |
        timeout 20 "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none -S \
            -monitor stdio "$@" > "$dir/out" 2>&1 || :
    check "$name" grep -qF "$text" "$dir/out"
}

# wrong TEXT OPTION ...: exactly this line.
wrong()
{
    text=$1
    shift
    guest "$@"
    check "$text" says_error "$text"
}

disk=virtio-blk-pci,drive=d
first -drive "$drive" -device $disk,share-rw=on
check "the first machine stands" grep -q 'VM status' "$dir/first"
works "virtio: a second one shares it" -drive "$drive" -device $disk,share-rw=on
works "SATA: a second one shares it" -drive "$drive" -device ide-hd,drive=d,share-rw=on
works "-blockdev: a second one shares it" -blockdev "driver=file,node-name=f,filename=$dir/raw" \
    -blockdev driver=raw,node-name=d,file=f -device $disk,share-rw=on
wrong "-device $disk: Failed to get shared \"write\" lock; $lock" -drive "$drive" -device $disk
wrong "-device $disk: Failed to get shared \"write\" lock; $lock" \
    -blockdev "driver=raw,node-name=d,file.driver=file,file.filename=$dir/raw" -device $disk
wrong "-drive format=qcow2,file=$dir/raw: Failed to get shared \"write\" lock; $lock" \
    -drive "format=qcow2,file=$dir/raw"
resizes "a second one resizes it" 2M quit -drive "$drive" -device $disk,share-rw=on
check "it has the new size" [ "$(stat -c %s "$dir/raw")" = 2097152 ]
works "it is shared as before" -drive "$drive" -device $disk,share-rw=on
gone

# A part of a file is sure of the file's size, so nobody else changes that.
first -drive "$drive,offset=4k" -device $disk,share-rw=on
resizes "a second one can't resize it then" 3M "Failed to get \"resize\" lock; $lock" \
    -drive "$drive" -device $disk,share-rw=on
check "it keeps its size" [ "$(stat -c %s "$dir/raw")" = 2097152 ]
wrong "-device $disk: Failed to get shared \"write\" lock; $lock" -drive "$drive" -device $disk
gone

first -drive "$drive" -device $disk
check "the second machine stands" grep -q 'VM status' "$dir/first"
wrong "-drive $drive: Failed to get \"write\" lock; $lock" -drive "$drive" \
    -device $disk,share-rw=on
gone

node=driver=raw,node-name=n,file.driver=file,file.filename=$dir/raw
works "two devices share a node" -blockdev "$node" -device virtio-blk-pci,drive=n,share-rw=on \
    -device virtio-blk-pci,drive=n,share-rw=on
wrong "-device virtio-blk-pci,drive=n: Conflicts with use by n as 'root', which does not allow 'write' on n" \
    -blockdev "$node" -device virtio-blk-pci,drive=n,share-rw=on -device virtio-blk-pci,drive=n
finish

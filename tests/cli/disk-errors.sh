#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said of mistakes in disks: one line, status 1.  The images are qemu-img's.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

command -v qemu-img > /dev/null || skip_all "no qemu-img here to make the images"

# wrong TEXT OPTION ...: exactly this line.
wrong()
{
    text=$1
    shift
    guest "$@"
    check "$text" says_error "$text"
    [ "$status" = 1 ] || check "$text: status" ended 1
}

# drive TEXT OPTIONS: -drive says this of its options.
drive()
{
    wrong "-drive $2: $1" -drive "$2"
}

# Each image is $dir/NAME.
image()
{
    format=$1
    name=$2
    shift 2
    qemu-img create -q -f "$format" "$@" "$dir/$name" 1M
}

image raw raw
image qcow2 q
image qcow2 other
good=format=qcow2,file=$dir/q

# Images that can't be used.
wrong "-drive file=$dir/none,index=0,media=disk: Could not open '$dir/none': No such file or directory" \
    -hda "$dir/none"
wrong "-drive file=$dir/none,if=pflash: Could not open '$dir/none': No such file or directory" \
    -pflash "$dir/none"
drive "Could not open '$dir': Is a directory" "file=$dir"
drive "Could not open '/dev/null': neither a regular file nor a block device" file=/dev/null
name=$(printf '%0300d' 0)
drive "Could not open '$dir/$name': File name too long" "file=$dir/$name"
path=$(printf '%05000d' 0)
drive "Could not open '$path': File name too long" "file=$path"
drive "Could not open 'nbd:localhost:1': Unknown protocol 'nbd'" file=nbd:localhost:1
drive "'$dir/raw': not a qcow2 image" "file=$dir/raw,format=qcow2"
drive "Unknown driver 'foo'" "file=$dir/raw,format=foo"
: > "$dir/empty"
drive "'$dir/empty': not a qcow2 image" "file=$dir/empty,format=qcow2"
for n in 50 103; do
    head -c $n "$dir/q" > "$dir/short"
    drive "'$dir/short': the file ends in the qcow2 header, after $n bytes" "file=$dir/short"
done
for n in 200 100000 196608; do
    head -c $n "$dir/q" > "$dir/short"
    drive "'$dir/short': the file ends after $n bytes, before the image's tables do: it was cut off" \
        "file=$dir/short"
done
foreign="is not supported (format raw would take its bytes as they are)"
for row in vmdk/VMDK vdi/VDI vpc/VHD vhdx/VHDX qed/QED parallels/Parallels; do
    image "${row%/*}" foreign
    drive "'$dir/foreign': the image format ${row#*/} $foreign" "file=$dir/foreign"
done
printf 'LUKS\272\276\0\1' > "$dir/luks"
drive "'$dir/luks': the image format LUKS $foreign" "file=$dir/luks"
image qcow2 crypt --object secret,id=s,data=x \
    -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10
drive "'$dir/crypt': the image is encrypted (LUKS), which is not supported" "file=$dir/crypt"
features="the image needs features that are not supported"
image qcow2 external -o "data_file=$dir/data"
drive "'$dir/external': $features: external data file" "file=$dir/external"
image qcow2 extended -o extended_l2=on
drive "'$dir/extended': $features: extended L2 entries" "file=$dir/extended"

# Backing files.
image qcow2 base
image qcow2 top -F qcow2 -b "$dir/base"
rm "$dir/base"
drive "Could not open backing file: Could not open '$dir/base': No such file or directory" \
    "file=$dir/top"
image qcow2 one
image qcow2 two -F qcow2 -b "$dir/one"
qemu-img rebase -u -f qcow2 -F qcow2 -b "$dir/two" "$dir/one"
drive "more than 200 images on top of each other: the backing files form a loop" \
    "file=$dir/one,readonly=on"

# Sizes.
drive "Offset (2097152) cannot be greater than size of the containing file (1048576)" \
    "file=$dir/raw,format=raw,offset=2M"
drive "Specified size is not multiple of 512" "file=$dir/raw,format=raw,size=100"
drive "The sum of offset (512) and size (1048576) has to be smaller or equal to the  actual size of the containing file (1048576)" \
    "file=$dir/raw,format=raw,offset=512,size=1M"
head -c 1000 /dev/zero > "$dir/odd"
wrong "-drive if=pflash,unit=0: its size is not a multiple of 4 KiB" \
    -drive "if=pflash,format=raw,file=$dir/odd"
cp "$dir/q" "$dir/big"
printf '\177\377\377\377\377\377\376\000' |
    dd of="$dir/big" bs=1 seek=24 conv=notrunc 2> /dev/null
drive "'$dir/big': the L1 table is too small for a disk of 9223372036854775296 bytes" \
    "file=$dir/big"

# Who may write.
wrong "-drive $good: Failed to get \"write\" lock; is another process using the image [$dir/q]?" \
    -drive "$good,if=none,id=d" -drive "$good"
qemu-io -f qcow2 -c 'sleep 300000' "$dir/other" > /dev/null 2>&1 &
io=$!
# Byte 201: nobody else may write.  (Who opens it to see keeps qemu-io from its locks.)
tries=600
until grep -q ":$(stat -c %i "$dir/other") 201 201$" /proc/locks || [ $tries = 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
done
drive "Failed to get \"write\" lock; is another process using the image [$dir/other]?" \
    "file=$dir/other,format=qcow2"
kill "$io"
wait $io 2> /dev/null
wrong "-device ide-hd,drive=d: Block node is read-only ('d')" \
    -drive "$good,if=none,id=d,readonly=on" -device ide-hd,drive=d
node=driver=qcow2,node-name=n,file.driver=file,file.filename=$dir/q
wrong "-device ide-hd,drive=n: Block node is read-only ('n')" \
    -blockdev "$node,read-only=on" -device ide-hd,drive=n
wrong "-device virtio-blk-pci,drive=d: Drive 'd' is already in use by another block device" \
    -drive "$good,if=none,id=d" -device virtio-blk-pci,drive=d -device virtio-blk-pci,drive=d
wrong "-device virtio-blk-pci,drive=n: Conflicts with use by n as 'root', which does not allow 'write' on n" \
    -blockdev "$node" -device virtio-blk-pci,drive=n -device virtio-blk-pci,drive=n
wrong "-device virtio-blk-pci,drive=e: drive: can't find value 'e'" -device virtio-blk-pci,drive=e

# Values and names of options.
for row in "if=foo/ide, none, virtio, pflash, scsi, floppy, sd" "media=tape/disk, cdrom" \
    "aio=x/auto, threads, native, io_uring" "discard=x/ignore, unmap, off, on" \
    "detect-zeroes=x/off, on, unmap" "rerror=enospc/report, ignore, stop" \
    "werror=x/enospc, report, ignore, stop" "cache.direct=x/off, on"; do
    option=${row%%/*}
    drive "${option%=*}: '${option#*=}' is not one of ${row#*/}" "$good,$option"
done
drive "invalid cache option 'x'; there are none, writeback, unsafe, directsync, writethrough" \
    "$good,cache=x"
drive "machine type does not support if=scsi; there are ide, virtio, pflash and none" "$good,if=scsi"
drive "Could not open '$dir/q': aio=native was specified, but it requires cache.direct=on, which was not specified." \
    "$good,aio=native"
drive "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap" \
    "$good,detect-zeroes=unmap"
drive "Block format 'qcow2' does not support the option 'foo'" "$good,foo=1"
wrong "-blockdev $node,detect-zeroes=unmap: setting detect-zeroes to unmap is not allowed without setting discard operation to unmap" \
    -blockdev "$node,detect-zeroes=unmap"
drive "cache.writeback: 'x' is not one of off, on" "$good,cache.writeback=x"
drive "bps/iops/max total values and read/write values cannot be used at the same time" \
    "$good,iops=10,iops_rd=1"
drive "bps_max/iops_max require corresponding bps/iops values" "$good,throttling.bps-read-max=9"
drive "bps_max/iops_max cannot be lower than bps/iops" "$good,bps=9,bps_max=1"
drive "burst length set without burst rate" "$good,bps=9,throttling.bps-total-max-length=2"
drive "iops size requires an iops value to be set" "$good,bps=9,iops_size=4096"
drive "throttling.iops-total: '-1' is not a number from 0 to 1000000000000000" "$good,iops=-1"
drive "'throttling.iops-total' and its alias 'iops' can't be used at the same time" \
    "$good,iops=1,throttling.iops-total=1"
drive "index: 'x' is not a number from 0 to 4294967295" "$good,index=x"
drive "unit 3 too big (max is 0)" "$good,unit=3"
wrong "-drive if=ide,id=ide99-hd0: Bus 'ide.99' not found; there are ide.0 to ide.5" \
    -drive "$good,index=99"
wrong "-drive file=$dir/other,index=0: drive with bus=0, unit=0 (index=0) exists" \
    -hda "$dir/q" -drive "file=$dir/other,index=0"
wrong "-drive file=$dir/other,if=none,id=d: Duplicate ID 'd' for drive" \
    -drive "$good,if=none,id=d" -drive "file=$dir/other,if=none,id=d"
wrong "-drive if=virtio,id=virtio0: Device needs media, but drive is empty" -drive if=virtio
wrong "-blockdev $node,foo=1: Block format 'qcow2' does not support the option 'foo'" \
    -blockdev "$node,foo=1"
wrong "-blockdev driver=nbd,node-name=n: Unknown driver 'nbd'" -blockdev driver=nbd,node-name=n
option='{"driver": "qcow2", "node-name": "1n"}'
wrong "-blockdev $option: Invalid node-name: '1n'" -blockdev "$option"
option='{"driver": "qcow2", "node-name": "n", "file": "f"}'
wrong "-blockdev $option: Cannot find device='' nor node-name='f'" -blockdev "$option"

# No mistake, but said: a format that was guessed.
echo quit | timeout 20 "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none -S \
    -monitor stdio -drive "file=$dir/raw,if=virtio" > "$dir/out" 2> "$dir/errors"
check "a raw image without a format: a warning" grep -q \
    "Image format was not specified for '$dir/raw' and probing guessed raw" "$dir/errors"
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a guest was told is safe survives kill -9 of the monitor at any moment: Debian's
# kernel writes files to an ext4 and says which of them it has synced; it is killed, the
# file system must be clean once its journal has been replayed, and those files must be
# there.  MAYFLY_LONG=N in the environment: N times (3), raw and qcow2.
#
# limit: 10800 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

debian=$(scripts/disk --path)
[ -f "$debian/disk.img" ] || skip_all "no Debian disk (made by: scripts/disk)"
times=${MAYFLY_LONG:-3}
data=$(mktemp -d)
trap 'vm_stop; rm -rf "$vm_dir" "$data"' EXIT
img=${MAYFLY%/*}/mayfly-img

# What runs as init: the root file system is Debian's, the disk to be written the second.
work='mount /dev/vdb /mnt; rm -rf /mnt/c; mkdir /mnt/c; i=0; echo begun;'
work="$work while :; do i=\$((i+1)); f=/mnt/c/\$((i%400));"
work="$work head -c \$((i*37%60000+1)) /dev/urandom > \$f; (echo \$i; sha256sum < \$f) > \$f.sum;"
work="$work sync -f \$f.sum; echo synced \$i; done"

make_disk()
{
    truncate -s 128M "$data/new"
    mke2fs -q -t ext4 "$data/new"
    case $1 in
    raw)   mv "$data/new" "$data/disk" ;;
    qcow2) "$img" convert -O qcow2 "$data/new" "$data/disk" ;;
    esac
}

# The disk as a raw file.
look()
{
    if [ "$1" = raw ]; then
        cp --sparse=always "$data/disk" "$data/look"
    else
        "$img" check "$data/disk" > "$data/check" 2>&1 || [ $? = 3 ] || cat "$data/check"
        "$img" convert -O raw "$data/disk" "$data/look"
    fi
}

# Every file from the last 300 that were said to be synced: its own bytes, or newer ones.
files_are_there()
{
    last=$(sed -n 's/^synced //p' "$vm_log" | tail -n 1)
    : "${last:=0}"
    rm -rf "$data/c"
    debugfs -R "rdump /c $data" "$data/look" > /dev/null 2>&1
    bad=0
    i=$((last > 300 ? last - 299 : 1))
    while [ $i -le "$last" ]; do
        f=$data/c/$((i % 400))
        n=0 sum=
        [ ! -f "$f.sum" ] || { read -r n && read -r sum; } < "$f.sum" || n=0
        if [ "$n" -lt $i ] || { [ "$n" = $i ] && [ "$(sha256sum < "$f")" != "$sum" ]; }; then
            echo "# file $i is not there ($n)"
            bad=1
        fi
        i=$((i + 1))
    done
    synced=$((synced + last))
    [ $bad = 0 ]
}

killed_once()
{
    vm_start -accel "$accel" -machine q35 -m 512M -nodefaults -display none -serial stdio \
        -drive "file=$debian/disk.img,format=raw,if=virtio,snapshot=on" \
        -drive "file=$data/disk,format=$1,if=virtio" -kernel "$debian/vmlinuz" \
        -initrd "$debian/initrd" \
        -append "root=/dev/vda3 rw quiet console=ttyS0 init=/bin/sh -- -c \"$work\""
    vm_expect '^begun' || { vm_tail && return 1; }
    sleep "$(awk -v n="$2" 'BEGIN { srand(n * 7919); print 0.2 + 4 * rand() }')"
    vm_signal KILL
    vm_wait
    vm_read_log
    look "$1"
    e2fsck -p "$data/look" > "$data/fsck" 2>&1 || [ $? = 1 ] || { cat "$data/fsck" && return 1; }
    e2fsck -fn "$data/look" > "$data/fsck" 2>&1 || { cat "$data/fsck" && return 1; }
    files_are_there
}

for format in raw qcow2; do
    make_disk $format
    synced=0 n=0 failed=0
    while [ "$n" -lt "$times" ]; do
        n=$((n + 1))
        killed_once $format $n || failed=$((failed + 1))
    done
    check "$format: killed $times times, $synced files synced, nothing lost" [ $failed = 0 ]
    check "$format: some had been synced" [ $synced -gt "$times" ]
done
finish

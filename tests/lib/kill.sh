#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by kill-raw.sh and kill-qcow2.sh, which say the image format in $format.
#
# What a guest was told is safe survives kill -9 of the monitor at any moment: Debian's
# kernel writes files to an ext4 and says which of them it has synced; it is killed, the
# file system must be clean once its journal has been replayed, and those files must be
# there.  MAYFLY_LONG=N in the environment: N times (3).

# shellcheck shell=sh
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

debian=$(scripts/disk --path)
[ -f "$debian/initrd" ] || skip_all "no Debian disk (made by: scripts/disk)"
busybox=$guests/busybox
# The same kernel unpacked starts in a third of the time.
kernel=$debian/vmlinuz
! cmp -s "$debian/version" "$guests/generic/version" || kernel=$guests/generic/vmlinux
times=${MAYFLY_LONG:-3}
: "${format:?raw or qcow2}"
data=$(mktemp -d)
trap 'vm_stop; rm -rf "$vm_dir" "$data"' EXIT
img=${MAYFLY%/*}/mayfly-img

# What the guest runs: files of different sizes, again and again, each with its sum.
cat > "$data/init" << 'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do
    insmod "/modules/$module.ko"
done
mount -t ext4 /dev/vda /mnt || poweroff -f
rm -rf /mnt/c
mkdir /mnt/c
i=0
echo begun
while :; do
    i=$((i + 1))
    f=/mnt/c/$((i % 400))
    head -c $((i * 37 % 60000 + 1)) /dev/urandom > $f
    (echo $i; sha256sum < $f) > $f.sum
    sync -f $f.sum
    echo synced $i
done
END

# What Debian's own initramfs has of modules, in load order, and nothing else: it starts
# several times as fast as the whole.
modules='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
    virtio_blk crc32c_generic libcrc32c crc16 mbcache jbd2 ext4'

make_initrd()
{
    mkdir -p "$data/all" "$data/root/bin" "$data/root/dev" "$data/root/mnt" \
        "$data/root/modules"
    gzip -dc "$debian/initrd" |
        (cd "$data/all" && "$busybox" cpio -id '*/modules/*.ko' 2> /dev/null)
    for module in $modules; do
        file=$(find "$data/all" -name "$module.ko")
        [ -z "$file" ] || { cp "$file" "$data/root/modules" && echo "$module"; }
    done > "$data/root/modules/order"
    cp "$busybox" "$data/root/bin"
    install -m 755 "$data/init" "$data/root"
    (cd "$data/root" && find . | "$busybox" cpio -o -H newc -R 0:0 2> /dev/null) > "$data/initrd"
    rm -rf "$data/all" "$data/root"
}

make_disk()
{
    truncate -s 128M "$data/new"
    mke2fs -q -t ext4 "$data/new"
    case $format in
    raw)   mv "$data/new" "$data/disk" ;;
    qcow2) "$img" convert -O qcow2 "$data/new" "$data/disk" ;;
    esac
}

# The disk as a raw file.
look()
{
    if [ "$format" = raw ]; then
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
    vm_start -accel "$accel" -machine q35 -m 256M -nodefaults -display none -serial stdio \
        -drive "file=$data/disk,format=$format,if=virtio" -kernel "$kernel" \
        -initrd "$data/initrd" -append "quiet console=ttyS0"
    vm_expect '^begun' || { vm_tail && return 1; }
    sleep "$(awk -v n="$1" 'BEGIN { srand(n * 7919); print 0.2 + 4 * rand() }')"
    vm_signal KILL
    vm_wait
    vm_read_log
    look
    e2fsck -p "$data/look" > "$data/fsck" 2>&1 || [ $? = 1 ] || { cat "$data/fsck" && return 1; }
    e2fsck -fn "$data/look" > "$data/fsck" 2>&1 || { cat "$data/fsck" && return 1; }
    files_are_there
}

make_initrd
make_disk
synced=0 killed=0 failed=0
while [ "$killed" -lt "$times" ]; do
    killed=$((killed + 1))
    killed_once $killed || failed=$((failed + 1))
    [ $((killed % 10)) != 0 ] || echo "# $format: killed $killed times of $times"
done
check "$format: killed $killed times, $synced files synced, nothing lost" [ $failed = 0 ]
check "$format: some had been synced" [ $synced -gt "$times" ]
finish

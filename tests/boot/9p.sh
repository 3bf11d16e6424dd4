#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux's 9p driver on shared folders: a tree of many files is unpacked, changed and
# compared on both sides; owners and devices with mapped-xattr; a read-only share; and a
# guest's root that tries to get out.  The cloud kernel has no 9p: the generic one has.
#
# limit: 600 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest generic
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
mkdir "$dir/none" "$dir/mapped" "$dir/read"
echo "nobody may read this" > "$dir/secret"

# Many small files in folders, some large, as in a kernel's tree.
i=0
mkdir "$dir/tree"
while [ $i -lt 40 ]; do
    mkdir -p "$dir/tree/part$i/inner"
    j=0
    while [ $j -lt 25 ]; do
        echo "file $j of $i: $(head -c $((j * 37)) /dev/zero | tr '\0' x)" > "$dir/tree/part$i/inner/file$j.c"
        j=$((j + 1))
    done
    ln -s "inner/file$i.c" "$dir/tree/part$i/link"
    i=$((i + 1))
done
head -c 3000000 /dev/urandom > "$dir/tree/large"
tar -C "$dir/tree" -cf "$dir/none/tree.tar" .
ln -s ../secret "$dir/none/out"
ln -s / "$dir/none/root"
echo "only to be read" > "$dir/read/file"

# What the guest does; it says what it found.
cat > "$dir/none/script" << 'END'
sums()
{
    (cd "$1" && find . -type f | sort | xargs md5sum | md5sum; find . | sort | md5sum)
}

mount -t 9p -o "$options" none /none
mount -t 9p -o "$options" mapped /mapped
mount -t 9p -o "$options" read /read
mkdir /none/tree
time tar -C /none/tree -xf /none/tree.tar
echo "tree: $(sums /none/tree | tr '\n' ' ')"
cd /none/tree
mv part1 part1.moved
rm -r part2
echo more >> part3/inner/file3.c
ln part3/inner/file3.c part3/hard
echo changed > part4/link
truncate -s 1000 large
cd /
sync

touch /mapped/file
chown 1234:5678 /mapped/file
chmod 4711 /mapped/file
mknod /mapped/disk b 8 17
ln -s /any/where /mapped/link
mkfifo /mapped/pipe
echo "mapped: $(stat -c '%u:%g %a %F' /mapped/file) $(stat -c '%t:%T %F' /mapped/disk) $(readlink /mapped/link)"
(echo through a pipe > /mapped/pipe &)
cat /mapped/pipe

cat /read/file
echo x 2> /dev/null > /read/file || echo "read: can't be written"
rm /read/file 2> /dev/null || echo "read: can't be removed"

# Out: what links say is looked up in the guest.
cat /none/out /none/root/secret /none/../secret 2> /dev/null
echo overwritten 2> /dev/null > /none/out
ln -s ../../secret /none/tree/climb
cat /none/tree/climb 2> /dev/null
mknod /none/kmem c 1 5 2> /dev/null
echo "changed: $(sums /none/tree | tr '\n' ' ')"
echo "escaped: $(ls /none/root | tr '\n' ' ')"
umount /none /mapped /read
END

sums()
{
    # shellcheck disable=SC2038
    (cd "$1" && find . -type f | LC_ALL=C sort | xargs md5sum | md5sum; find . | LC_ALL=C sort | md5sum)
}

# The sums that the guest told as $1 are those of this folder here.
same_sums()
{
    says "^$1: " || return 1
    told=$(sed -n "s/^$1: //p" "$vm_log" | tr -d '\r')
    [ "$told" = "$(sums "$2" | tr '\n' ' ')" ] || { echo "# $told" && sums "$2" && return 1; }
}

try()
{
    boot generic "quiet mayfly.run=\"mkdir /none /mapped /read; mount -t 9p -o trans=virtio,version=9p2000.L none /none; options=$1; . /none/script; echo all done\"" \
        -virtfs "local,path=$dir/none,mount_tag=none,security_model=none" \
        -fsdev "local,id=m,path=$dir/mapped,security_model=mapped-xattr" \
        -device virtio-9p-pci,fsdev=m,mount_tag=mapped \
        -virtfs "local,path=$dir/read,mount_tag=read,security_model=none,readonly=on"
    check "$2: the guest comes to the end" says '^all done'
    check "$2: a tree is unpacked as it was packed" same_sums tree "$dir/tree"
    check "$2: power-off ends with status 0" ends_with 0
    check "$2: what the guest changed is what is here" same_sums changed "$dir/none/tree"
    check "$2: the kernel log is clean" never_says "$trouble|9pnet: .*rror"
}

can_map()
{
    python3 -c "import os; os.setxattr('$dir/mapped', 'user.trial', b'1')" 2> /dev/null
}

try "trans=virtio,version=9p2000.L,msize=262144" "no cache"
if can_map; then
    check "mapped-xattr: the guest sees its owners, modes and devices" \
        says '^mapped: 1234:5678 4711 regular empty file 8:11 block special file /any/where'
    check "mapped-xattr: on the host they are plain files" \
        sh -c "[ -f '$dir/mapped/disk' ] && [ ! -L '$dir/mapped/link' ] && [ \"\$(stat -c %a '$dir/mapped/file')\" = 600 ]"
else
    skip "mapped-xattr" "no user attributes in $dir, or no python3 to try them"
fi
check "a pipe is the guest's own" says '^through a pipe'
check "a read-only share is read" says '^only to be read'
check "and not written" says "^read: can't be written"
check "and nothing is removed" says "^read: can't be removed"
check "the guest has not read what is beside the share" never_says "^nobody may read this"
check "nor written it" [ "$(cat "$dir/secret")" = "nobody may read this" ]
check "links to / are the guest's own root" says '^escaped: .*bin.* none '

rm -rf "$dir/none/tree" "$dir"/mapped/*
try "trans=virtio,version=9p2000.L,msize=65536,cache=loose" "cache=loose"

# A mount, open files and a folder that the guest is in go through a snapshot.
echo "the first line
the second line" > "$dir/read/lines"
# shellcheck disable=SC2016  # the guest's shell expands it
boot generic 'quiet mayfly.run="mkdir /none; mount -t 9p -o trans=virtio,version=9p2000.L none /none; mkdir -p /none/in/side; cd /none/in/side; exec 3< /none/lines 4> out; read -r one <&3; echo wrote >&4; echo to be saved; read -r go; cat <&3; echo again >&4; cat out; pwd; echo went on"' \
    -virtfs "local,path=$dir/read,mount_tag=none,security_model=none" \
    -snapshot-when "to be saved,to=$dir/snapshot,exit=on"
check "snapshot: saved while files are open" ends_with 0
mv "$dir/read/in" "$dir/read/moved" && mkdir -p "$dir/read/in/side" && echo wrote > "$dir/read/in/side/out"
vm_start -loadvm "$dir/snapshot"
vm_send go
check "snapshot: the guest goes on" says '^went on'
check "snapshot: reads on where it was" grep -q '^the second line' "$vm_log"
check "snapshot: writes on where it was" [ "$(cat "$dir/read/in/side/out")" = "wrote
again" ]
check "snapshot: power-off ends with status 0" ends_with 0
finish

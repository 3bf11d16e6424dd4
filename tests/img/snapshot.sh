#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mayfly-img snapshot-info, -pack, -unpack and -flatten on snapshots of a machine that
# only has its firmware: a chain of three with memory and disks that differ.
# limit: 300 seconds

# shellcheck source=tests/lib/img.sh
. tests/lib/img.sh

if ! [ -e /usr/share/seabios/bios-256k.bin ]; then
    echo "1..0 # SKIP there is no firmware here (Debian package seabios)"
    exit 0
fi

# monitor "COMMANDS" OPTION ...: a machine that does this and ends.
monitor()
{
    printf '%b\nquit\n' "$1" > commands
    shift
    timeout 60 "$MAYFLY" -monitor stdio "$@" < commands > monitor.out 2>&1
}

# The firmware's memory changes while it runs.
run_and_save()
{
    to=$1
    shift
    { sleep 1; printf 'stop\nsavevm %s\nquit\n' "$dir/$to"; } |
        timeout 60 "$MAYFLY" -monitor stdio "$@" > monitor.out 2>&1
    [ -e "$dir/$to/state" ] || { cat monitor.out; return 1; }
}

# memory SNAPSHOT FILE: some of what lies where the firmware is.
memory()
{
    : > "$2"
    for at in 0 0x9c000 0xf0000 0xf8000 0x1f9c000 0x1fa0000 0x1fe0000 0x1ff0000; do
        monitor "xp /4096xw $at" -loadvm "$dir/$1" -S
        grep '^[0-9a-f]*: 0x' monitor.out >> "$2"
    done
    [ "$(wc -l < "$2")" = 8192 ] || { head -n 30 monitor.out; return 1; }
}

# difference NEW OLD TO: what NEW has other than OLD, as a qcow2 image over it.
difference()
{
    "$img" create -q -f qcow2 -b "$dir/$1" -F raw "$3" &&
        "$img" rebase -b "$dir/$2" -F raw "$3"
}

# change RAW PLACE: other bytes there.
change()
{
    head -c 70000 /dev/urandom | dd of="$1" bs=64k seek="$2" oflag=seek_bytes conv=notrunc 2> /dev/null
}

sums()
{
    (cd "$1" && for f in *; do printf '%s ' "$f"; md5sum < "$f"; done)
}

refused()
{
    pattern=$1
    shift
    "$img" "$@" > out 2> errors
    status=$?
    if [ $status != 1 ] || [ "$(wc -l < errors)" != 1 ] || ! grep -q -e "$pattern" errors; then
        echo "status $status"
        cat errors
        return 1
    fi
}

says()
{
    "$img" snapshot-info "$1" > out || return 1
    grep -q -e "$2" out || { cat out; return 1; }
}

head -c 3000000 /dev/urandom > base.raw
check "a: saved" run_and_save a -m 32 -smp 2 -accel soft -display none -serial null \
    -drive file=base.raw,format=raw,if=virtio,snapshot=on
check "b: saved from a run of a" run_and_save b -loadvm "$dir/a"
check "c: saved from a run of b" run_and_save c -loadvm "$dir/b"

# What the disks shall have, and the images that lie over each other for it.
cp base.raw a.raw; change a.raw 0; change a.raw 1000000
cp a.raw b.raw; change b.raw 1030000
cp b.raw c.raw; change c.raw 2500000; change c.raw 5
check "differences of the disks" difference a.raw base.raw a/disk0.qcow2
check "differences of the disks" difference b.raw a.raw b/disk0.qcow2
check "differences of the disks" difference c.raw b.raw c/disk0.qcow2

# ---- info

check "info: vCPUs" says c '^vCPUs: 2$'
check "info: options" says c '^machine: .*-m 32 -smp 2 '
check "info: the first parent" says c "^parent 1: $dir/b (.*): there$"
check "info: the second parent" says c "^parent 2: $dir/a (.*): there$"
check "info: the disk's own image" says c "$dir/c/disk0.qcow2 (qcow2, of the snapshot, .*): there"
check "info: the disk's base" says c "$dir/base.raw (raw, of the user, 2.86 MiB): unchanged"
"$img" snapshot-info --output=json c > c.json
check "info: JSON has the vCPUs" grep -q '"cpus" : 2' c.json
check "info: JSON has the base's state" grep -q '"state" : "unchanged"' c.json
check "info: no snapshot" refused 'state: No such file' snapshot-info .
check "info: another form" refused 'human or json' snapshot-info --output=xml c

# ---- pack, unpack

sums a > a.sums
check "pack: a snapshot with parents is refused" refused 'it needs its parents' snapshot-pack c c.pack
check "pack: makes one file" "$img" snapshot-pack a a.pack
check "pack: that is smaller than the memory" [ "$(stat -c %s a.pack)" -lt 3000000 ]
check "unpack: makes a folder" "$img" snapshot-unpack a.pack a2
sums a2 > a2.sums
check "unpack: every byte is the same" cmp a.sums a2.sums
check "unpack: memory has its holes" [ "$(stat -c %b a2/ram)" -le "$(($(stat -c %b a/ram) + 16))" ]
check "unpack: nothing is replaced" refused 'is there already' snapshot-unpack a.pack a2
check "unpack: it runs" memory a2 a2.mem
check "memory of a" memory a a.mem
check "unpack: its memory" cmp a.mem a2.mem

size=$(stat -c %s a.pack)
damage_is_refused()
{
    for part in 0 1 7 20 39 55 71 86 99; do
        at=$((size * part / 100))
        cp a.pack bad.pack
        old=$(od -An -tu1 -j $at -N 1 bad.pack | tr -d ' ')
        # shellcheck disable=SC2059
        # shellcheck disable=SC2059
        printf "\\$(printf %03o $((old ^ 16)))" | dd of=bad.pack bs=1 seek=$at conv=notrunc 2> /dev/null
        refused '^mayfly-img: bad.pack: \|: bad.pack: ' snapshot-unpack bad.pack bad || return 1
        head -c $at a.pack > bad.pack
        refused "it ends at byte $at, in the middle" snapshot-unpack bad.pack bad || return 1
    done
    [ ! -e bad ] && [ -z "$(ls -d bad.new.* 2> /dev/null)" ]
}
check "unpack: changed bytes and cut files are refused with the place, and leave nothing" damage_is_refused

# ---- seal

flip_is_found()
{
    for file in ram state disk0.qcow2; do
        cp -r --sparse=always c flipped
        "$img" snapshot-seal flipped && "$img" snapshot-check flipped || return 1
        byte=$(dd if="flipped/$file" bs=1 skip=70000 count=1 2> /dev/null | od -An -tu1)
        [ -n "$byte" ] || byte=0
        # shellcheck disable=SC2059
        printf "\\$(printf %03o $((byte ^ 16)))" | dd of="flipped/$file" bs=1 seek=$(($(stat -c %s "flipped/$file") > 70000 ? 70000 : 40)) conv=notrunc 2> /dev/null
        ! "$img" snapshot-check flipped 2> flip.err && grep -q "flipped/$file is not what was sealed\|state: the checksum" flip.err || return 1
        rm -rf flipped
    done
}

check "check: what was never sealed is refused" refused 'snapshot-seal. makes it' snapshot-check c
check "seal" "$img" snapshot-seal c
check "check: it is as it was" "$img" snapshot-check c
check "check: sha256sum says the same" sh -c 'cd c && sha256sum -c --quiet sums'
check "check: one bit is found in each file" flip_is_found
"$img" snapshot-seal b
printf x | dd of=b/ram bs=1 seek=5000 conv=notrunc 2> /dev/null
check "-loadvm b,check=on is refused" sh -c "! timeout 20 \"$MAYFLY\" -loadvm \"$dir/b,check=on\" 2> flip.err && grep -q 'b/ram is not what was sealed' flip.err"
dd if=/dev/zero of=b/ram bs=1 seek=5000 count=1 conv=notrunc 2> /dev/null
check "which was all that was changed" "$img" snapshot-check b

# ---- flatten

check "memory of c" memory c c.mem
check "flatten" "$img" snapshot-flatten c
check "flatten: no parents" says c 'in parents: 0 B$'
check "flatten: nothing beside it" [ -z "$(ls -d c.new.* 2> /dev/null)" ]
mv a away-a; mv b away-b
check "flatten: runs without its parents" memory c flat.mem
check "flatten: its memory" cmp c.mem flat.mem
check "flatten: its memory is not a's" [ "$(cmp a.mem c.mem | wc -l)" = 1 ]
"$img" convert -O raw c/disk0.qcow2 flat.raw
truncate -s "$(stat -c %s flat.raw)" c.raw
check "flatten: its disk" cmp c.raw flat.raw
check "flatten: can be packed" "$img" snapshot-pack c c.pack
check "flatten: once more" "$img" snapshot-flatten c
check "flatten: its memory is the same" memory c flat.mem
check "flatten: its memory is the same" cmp c.mem flat.mem

check "info: a parent that is gone" says away-b "parent 1: $dir/a .*its parent is missing"
check "flatten: a parent that is gone" refused 'its parent is missing' snapshot-flatten away-b
touch base.raw
check "info: a base that has changed" says c 'of the user.*has changed since'
check "flatten: a base that has changed" refused 'has changed since' snapshot-flatten c
echo "1..$n"

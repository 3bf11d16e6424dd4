#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mayfly-img beside qemu-img: images that one made the other reads byte for byte, and
# both say the same of them.
# limit: 300 seconds

# shellcheck source=tests/lib/img.sh
. tests/lib/img.sh

if ! command -v qemu-img > /dev/null; then
    echo "1..0 # SKIP qemu-img is not installed (Debian package qemu-utils)"
    exit 0
fi

# The same command line for both; output and status must be the same.
same()
{
    "$img" "$@" > mine.out 2> mine.err
    mine=$?
    qemu-img "$@" > theirs.out 2> theirs.err
    theirs=$?
    check "$*: status $theirs" [ $mine = $theirs ]
    check "$*: output" cmp mine.out theirs.out
}

same_contents()
{
    qemu-img check -q "$1" && qemu-img compare -q "$1" src.raw &&
        "$img" convert -O raw "$1" back.raw && cmp back.raw src.raw
}

# Some data of all kinds: random, of one byte, zeroes, holes; at odd places.
make_source()
{
    truncate -s 20M src.raw
    for place in 0:3000 100001:70000 1048576:200000 5000000:1 9437184:65536; do
        dd if=/dev/urandom of=src.raw bs=64k oflag=seek_bytes iflag=count_bytes \
            seek="${place%:*}" count="${place#*:}" conv=notrunc 2> /dev/null
    done
    yes 'the same again' | dd of=src.raw bs=64k oflag=seek_bytes iflag=count_bytes,fullblock \
        seek=12000000 count=1500000 conv=notrunc 2> /dev/null
}

make_source
for options in cluster_size=512 cluster_size=64k cluster_size=2M,refcount_bits=64 \
    compat=0.10,cluster_size=4k refcount_bits=1 compression_type=zstd \
    lazy_refcounts=on; do
    for how in '' -c -W '-S 0' '-m 1'; do
        # shellcheck disable=SC2086  # $how may be no word, or two
        "$img" convert $how -O qcow2 -o "$options" src.raw ours.qcow2
        check "we write, $options $how" same_contents ours.qcow2
    done
    qemu-img convert -c -O qcow2 -o "$options" src.raw theirs.qcow2
    check "we read, $options" same_contents theirs.qcow2
done

qemu-img convert -O qcow2 src.raw base.qcow2
qemu-img snapshot -c first base.qcow2
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2
qemu-io -c 'write -P 9 1M 300k' -c 'write -z 5M 1M' top.qcow2 > /dev/null
for image in base.qcow2 top.qcow2 src.raw; do
    same info "$image"
    same map "$image"
    same map --output=json "$image"
    same check "$image"
    same snapshot -l "$image"
done
same info --backing-chain top.qcow2
same compare base.qcow2 top.qcow2
same compare base.qcow2 src.raw
same compare -s base.qcow2 top.qcow2
same info missing.qcow2
same resize base.qcow2 -1M
same create -f qcow2 -b base.qcow2 -F qcow2 new.qcow2
same create -f qcow2 -o compat=0.10,cluster_size=4k new.qcow2 1G
same create -f qcow2 -o preallocation=metadata new.qcow2 10M

# Tables without space below, and backing files that end early.
qemu-img create -q -f qcow2 -o preallocation=metadata sparse.qcow2 4M
qemu-io -c 'write 4k 4k' -c 'write 200k 10k' sparse.qcow2 > /dev/null
truncate -s 1M short.raw
qemu-img create -q -f qcow2 -b short.raw -F raw long.qcow2 2M
qemu-img create -q -f qcow2 -b long.qcow2 -F qcow2 longer.qcow2 3M
for image in sparse.qcow2 long.qcow2 longer.qcow2; do
    same map "$image"
    same map --output=json "$image"
done

qemu-img create -q -f qcow2 bitmaps.qcow2 100M
qemu-img bitmap --add bitmaps.qcow2 one
qemu-img bitmap --add -g 4k bitmaps.qcow2 two
same measure
same measure --size 1G top.qcow2
same measure -f qcow2 --size 1G
same measure --size 1000
same measure -O nonsense --size 1G
for options in compat=1.1 cluster_size=512,refcount_bits=64 cluster_size=2M compat=0.10 \
    preallocation=full preallocation=metadata; do
    same measure -O qcow2 -o $options --size 10G
    same measure -O qcow2 -o $options --output=json --size 3G
    same measure -O qcow2 -o $options top.qcow2
done
for image in src.raw sparse.qcow2 longer.qcow2 bitmaps.qcow2; do
    same measure -O qcow2 "$image"
    same measure "$image"
done
same measure -O qcow2 --output=json bitmaps.qcow2

qemu-img convert -O raw top.qcow2 src.raw
cp base.qcow2 other.qcow2
cp top.qcow2 moved.qcow2
check 'rebase' "$img" rebase -b other.qcow2 -F qcow2 moved.qcow2
check 'rebase: contents' same_contents moved.qcow2
check 'rebase to nothing' "$img" rebase -b '' moved.qcow2
check 'rebase to nothing: contents' same_contents moved.qcow2
check 'commit' "$img" commit top.qcow2
check 'commit: contents' same_contents top.qcow2
check 'commit: contents of the base' same_contents base.qcow2
check 'snapshot -c' "$img" snapshot -c second base.qcow2
qemu-io -c 'write -P 1 0 5M' base.qcow2 > /dev/null
check 'convert -l' "$img" convert -l second -O raw base.qcow2 back.raw
check 'convert -l: contents' cmp back.raw src.raw
check 'snapshot -a' "$img" snapshot -a second base.qcow2
check 'snapshot -a: contents' same_contents base.qcow2
check 'snapshot -d' "$img" snapshot -d second base.qcow2
check 'snapshot -d, theirs' "$img" snapshot -d first base.qcow2
check 'snapshot -d: contents' same_contents base.qcow2
# Files that end in the middle of a table, or where a table of no entries would be.
qemu-img create -q -f qcow2 -o cluster_size=4k cut.qcow2 20M
truncate -s $((3 * 4096 + 32)) cut.qcow2
check 'an L1 table that was cut off' [ "$("$img" check cut.qcow2 > /dev/null 2>&1; echo $?)" = 2 ]
check 'it is repaired' "$img" check -q -r all cut.qcow2
check 'it can be written' "$img" resize -q cut.qcow2 +1M
check 'it is right for qemu-img too' qemu-img check -q cut.qcow2
qemu-img create -q -f qcow2 none.qcow2 0
printf '\0\0\0\0\0\0\0\0\1\0\0\0' | dd of=none.qcow2 bs=1 seek=36 conv=notrunc 2> /dev/null
check 'a disk of 0 bytes needs no L1 table' "$img" snapshot -c empty none.qcow2

check 'resize' "$img" resize base.qcow2 +10M
check 'resize: check' qemu-img check -q base.qcow2
check 'resize --shrink' "$img" resize --shrink base.qcow2 -10M
check 'resize: contents' same_contents base.qcow2

# Options, and what is refused: the same status, and where said so the same output.
same_status()
{
    rm -f target
    "$img" "$@" > mine.out 2> mine.err
    mine=$?
    rm -f target
    qemu-img "$@" > theirs.out 2> theirs.err
    check "$*: status" [ $mine = $? ]
}

truncate -s 1M small.raw
cp src.raw copy.raw
for mode in falloc full; do
    same_status create -f raw -o preallocation=$mode target 1M
    check "preallocation=$mode: the space is taken" [ "$(stat -c %b target)" -ge 2048 ]
    "$img" convert -O qcow2 src.raw grown.qcow2
    "$img" resize -q --preallocation=$mode grown.qcow2 +4M
    check "resize --preallocation=$mode" qemu-img check -q grown.qcow2
    check "resize --preallocation=$mode: the space is taken" \
        [ "$(stat -c %b grown.qcow2)" -ge 8192 ]
    "$img" resize -q --shrink grown.qcow2 -4M
    check "resize --preallocation=$mode: contents" same_contents grown.qcow2
done
same_status create -f qcow2 -o size=1M target 2M
same_status create -f qcow2 -o nonsense=1 target 1M
same_status create -f qcow2 -b target -F qcow2 target 1M
same_status create -f qcow2 -o help
same_status convert -m 17 src.raw target
same_status convert -m 0 src.raw target
same_status convert --target-is-zero src.raw target
same_status convert -C -c -O qcow2 src.raw target
same_status convert -C -S 4k src.raw target
same_status convert -B base.qcow2 -O qcow2 top.qcow2 target
same_status convert -U src.raw target
same_status convert -O qcow2 -o size=1M src.raw target
same_status convert --image-opts -O raw driver=qcow2,file.filename=base.qcow2 target
check 'convert --image-opts: contents' cmp target src.raw
same_status convert --target-image-opts -n base.qcow2 driver=raw,file.filename=copy.raw
check 'convert --target-image-opts: contents' cmp copy.raw src.raw
same_status dd -U if=src.raw of=target bs=1M
same_status dd --image-opts if=driver=qcow2,file.driver=file,file.filename=base.qcow2 of=target
same_status rebase -b src.raw top.qcow2
same_status resize --shrink base.qcow2 1000
same_status resize --preallocation=falloc --shrink base.qcow2 5M
same_status resize -f raw --preallocation=metadata copy.raw +1M
same info file:base.qcow2
same info --image-opts file.filename=base.qcow2
same map -s 1M -l 64k --output=json src.raw

# Formats that are not supported are not taken for raw bytes.
refuses()
{
    rm -f target
    "$img" "$@" > mine.out 2> mine.err
    [ $? = 1 ] && [ ! -e target ] && [ "$(wc -l < mine.err)" = 1 ] && cat mine.err
}

for format in vmdk vdi vpc qed parallels qcow luks; do
    key=
    [ $format != luks ] || key='--object secret,id=s,data=abc -o key-secret=s'
    # shellcheck disable=SC2086  # words
    qemu-img create -q -f $format $key foreign 1M
    check "$format is refused" refuses convert foreign target
    check "$format as raw bytes" "$img" convert -f raw foreign target
done
qemu-img create -q -f qcow2 -u -b b.qcow2 -F qcow2 a.qcow2 1M
qemu-img create -q -f qcow2 -u -b a.qcow2 -F qcow2 b.qcow2 1M
check 'backing files in a loop' refuses convert a.qcow2 target
check 'they are said to be one' grep -q loop mine.err
mkfifo pipe
qemu-img create -q -f qcow2 -u -b pipe -F raw over-pipe.qcow2 1M
check 'a pipe as backing file is not waited for' refuses convert over-pipe.qcow2 target

# -r: no faster than that.
refused_alike()
{
    "$img" "$@" > mine.out 2> mine.err
    [ $? = 1 ] || return 1
    qemu-img "$@" > theirs.out 2> theirs.err
    sed 's/^qemu-img: //' theirs.err > theirs.text
    sed 's/^[^:]*: //' mine.err | cmp - theirs.text
}

# takes SECONDS COMMAND ...: at least.
takes()
{
    least=$1
    shift
    begin=$(date +%s%N)
    "$@" || return 1
    [ $((($(date +%s%N) - begin) / 1000000000)) -ge "$least" ]
}

yes data | head -c 4194304 > rate.raw
truncate -s 64M rate.raw
check 'convert -r 2M: two seconds for 4 MiB' takes 2 timeout 60 "$img" convert -r 2M \
    -O qcow2 rate.raw rate.qcow2
check 'convert -r: contents' qemu-img compare -q rate.raw rate.qcow2
check 'convert -r 0: no limit' "$img" convert -r 0 rate.raw target
check 'convert -r: not a rate' refused_alike convert -r fast rate.raw target
qemu-img create -q -f qcow2 rate-base.qcow2 64M
qemu-img create -q -f qcow2 -F qcow2 -b rate-base.qcow2 rate-top.qcow2
qemu-io -c 'write -P 5 0 2M' rate-top.qcow2 > /dev/null
check 'commit -r: not a rate' refused_alike commit -r -5 rate-top.qcow2
check 'commit -r 1M: two seconds for 2 MiB' takes 2 timeout 60 "$img" commit -q -r 1M \
    rate-top.qcow2
check 'commit -r: contents' qemu-io -r -c 'read -P 5 0 2M' rate-base.qcow2

# An image that loses its counters: repaired, and nothing lost.
printf '\0\0\0\0\0\0\0\0' | dd of=base.qcow2 bs=1 seek=65536 conv=notrunc 2> /dev/null
"$img" check base.qcow2 > check.out 2>&1
check 'check: damage' [ $? = 2 ]
check 'check -r all' "$img" check -r all base.qcow2
check 'check -r all: contents' same_contents base.qcow2
echo "1..$n"

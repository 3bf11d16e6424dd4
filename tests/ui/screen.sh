#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS's text screen, pixel by pixel as qemu-system-x86_64 draws it for the same
# firmware.  Which drives it tries in which order is not the screen's affair, so rows of
# text are compared as a set.  The peer's cursor blinks: it may be asked a few times.
#
# limit: 300 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

peer=qemu-system-x86_64
command -v $peer > /dev/null || skip_all "no $peer (package qemu-system-x86)"
[ -f /usr/share/seabios/vgabios-stdvga.bin ] || skip_all "no SeaBIOS (package seabios)"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# dump PROGRAM FILE WAIT OPTION ...: the screen after that many seconds.
dump()
{
    program=$1
    file=$2
    pause=$3
    shift 3
    (sleep "$pause" && echo "screendump $file" && sleep 1 && echo quit) |
        timeout 60 "$program" -machine q35 -m 64 -nodefaults -display none \
            -monitor stdio "$@" > "$dir/out" 2>&1
    [ -s "$file" ] || { sed 's/^/# /' "$dir/out" && return 1; }
}

size()
{
    sed -n 2p "$1" | tr -d '\0'
}

# The rows of text of a picture 720 pixels wide, 16 lines each, as sorted sums.
rows()
{
    rm -rf "$dir/rows" && mkdir "$dir/rows"
    tail -c +16 "$1" | split -a 3 -b $((720 * 3 * 16)) - "$dir/rows/"
    cat "$dir"/rows/* | wc -c
    for row in "$dir"/rows/*; do
        cksum < "$row"
    done | sort
}

same_rows()
{
    rows "$dir/ours.ppm" > "$dir/ours"
    for pause in 6 7.3 9 12.1; do
        dump $peer "$dir/peer.ppm" $pause -accel tcg -vga "$1" || return 1
        rows "$dir/peer.ppm" > "$dir/peer"
        ! cmp -s "$dir/ours" "$dir/peer" || return 0
    done
    diff "$dir/ours" "$dir/peer" | sed 's/^/# /'
    return 1
}

for vga in std virtio; do
    check "-vga $vga: a screendump" \
        dump "${MAYFLY:-./mayfly}" "$dir/ours.ppm" 8 -accel soft -vga $vga
    check "-vga $vga: 720 x 400" [ "$(size "$dir/ours.ppm")" = "720 400" ]
    check "-vga $vga: text as the peer draws it" same_rows $vga
done
finish

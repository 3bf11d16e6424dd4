#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS's text screen, pixel by pixel as qemu-system-x86_64 draws it for the same
# firmware.  Which drives it tries in which order is not the screen's affair, so rows of
# text are compared as a set.  The peer's cursor blinks: it may be asked a few times.
#
# And a kernel's text screen, which the peer starts through its firmware and we without.
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

guest=$(scripts/guest --path cloud)
if [ ! -f "$guest/initrd" ]; then
    skip "a kernel's text" "no guest 'cloud' (made by: scripts/guest cloud)"
    finish
    exit
fi

# What a guest shows on an empty screen: a line of its kernel's, and colours.
draws="printf '\\033[2J\\033[H\\033[?25l' > /dev/tty0; \
echo '<2>a line of the kernel (0123456789, #*~@[]{})' > /dev/kmsg; \
printf '\\033[1;33;44m yellow on blue \\033[0;31m red \\033[0m' > /dev/tty0; \
echo screen: drawn > /dev/ttyS0; sleep 9999"

# boot PROGRAM FILE OPTION ...: the screen when the guest has drawn it.
boot()
{
    program=$1
    file=$2
    shift 2
    rm -f "$dir/serial"
    {
        ticks=0
        until grep -aq '^screen: drawn' "$dir/serial" 2> /dev/null || [ $ticks -ge 200 ]; do
            ticks=$((ticks + 1))
            sleep 0.5
        done
        sleep 1
        echo "screendump $file"
        sleep 1
        echo quit
    } | timeout 120 "$program" -machine q35 -m 256 -nodefaults -display none -vga std \
        -monitor stdio -serial "file:$dir/serial" -kernel "$guest/vmlinuz" \
        -initrd "$guest/initrd" \
        -append "console=tty0 console=ttyS0 loglevel=3 printk.time=0 mayfly.run=\"$draws\"" \
        "$@" > "$dir/out" 2>&1
    [ -s "$file" ] || { sed 's/^/# /' "$dir/out" && return 1; }
}

check "a kernel without firmware: a screendump" \
    boot "${MAYFLY:-./mayfly}" "$dir/ours.ppm" -accel soft
check "a kernel with the peer's firmware: a screendump" \
    boot $peer "$dir/peer.ppm" -accel tcg
check "a kernel's text is as the peer draws it" cmp "$dir/ours.ppm" "$dir/peer.ppm"
check "there is text" [ "$(rows "$dir/ours.ppm" | uniq | wc -l)" -ge 4 ]
finish

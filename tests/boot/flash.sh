#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Firmware that runs in one flash chip and writes to another: what it has programmed is in
# the file, and there at its next run.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

cc=${CC:-cc}
if ! $cc -c -m32 -o "$dir/flash.o" tests/boot/flash.S > "$dir/cc" 2>&1 ||
    ! objcopy -O binary -j .text "$dir/flash.o" "$dir/code"; then
    skip_all "no assembler for 32 bits: $(head -n 1 "$dir/cc")"
fi
head -c 65536 /dev/zero | tr '\0' '\377' > "$dir/vars"
printf V | dd of="$dir/vars" conv=notrunc 2> /dev/null

# flash VALUE: a run that ends with what the byte is then.
flash()
{
    guest -device isa-debug-exit,iobase=0xf4,iosize=4 \
        -drive "if=pflash,format=raw,readonly=on,file=$dir/code" \
        -drive "if=pflash,format=raw,file=$dir/vars"
    ended $((($1 * 2 + 1) & 255))
}

# The byte in the file.
stored()
{
    [ "$(od -An -tx1 -j256 -N1 "$dir/vars")" = " $1" ]
}

check "the first run programs a byte" flash 0xfe
check "the first run: it is in the file" stored fe
check "the second run finds it and goes on" flash 0xfc
check "the second run: it is in the file" stored fc
finish

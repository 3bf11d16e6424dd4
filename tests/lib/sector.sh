# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by tests of firmware: disks and CDs that say their name on COM1 when they are
# started, and then halt, or reset the machine.
#
#   boot_disk FILE NAME [reset]
#   boot_disc FILE NAME [reset]     El Torito, no emulation

# xor ax,ax; mov ds,ax; mov si,0x7c30; cld; next: lodsb; test al,al; jz end; mov ah,al;
# mov dx,0x3fd; wait: in al,dx; test al,0x20; jz wait; mov dl,0xf8; mov al,ah; out dx,al;
# jmp next; end:
sector_say='\061\300\216\330\276\060\174\374\254\204\300\164\021\210\304\272\375\003\354\250\040\164\373\262\370\210\340\356\353\352'
# mov dx,0xcf9; mov al,6; out dx,al; hlt
sector_reset='\272\371\014\260\006\356\364'
# hlt; jmp hlt
sector_halt='\364\353\375'

# put FILE OFFSET FORMAT
put()
{
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# put_code FILE OFFSET NAME [reset]
put_code()
{
    put "$1" "$2" "$sector_say"
    if [ -n "${4:-}" ]; then
        put "$1" $(($2 + 30)) "$sector_reset"
    else
        put "$1" $(($2 + 30)) "$sector_halt"
    fi
    put "$1" $(($2 + 48)) "started: $3\r\n\0"
}

boot_disk()
{
    rm -f "$1"
    truncate -s 1M "$1"
    put_code "$1" 0 "$2" "${3:-}"
    put "$1" 510 '\125\252'
}

# El Torito 1.0: sector 17 points to the catalogue, 18, that to the code, 19.
boot_disc()
{
    rm -f "$1"
    truncate -s 1M "$1"
    put "$1" $((16 * 2048)) '\001CD001\001'
    put "$1" $((17 * 2048)) '\000CD001\001EL TORITO SPECIFICATION'
    put "$1" $((17 * 2048 + 71)) '\022'
    put "$1" $((18 * 2048)) '\001'
    put "$1" $((18 * 2048 + 28)) '\252\125\125\252'
    put "$1" $((18 * 2048 + 32)) '\210'
    put "$1" $((18 * 2048 + 38)) '\004'
    put "$1" $((18 * 2048 + 40)) '\023'
    put_code "$1" $((19 * 2048)) "$2" "${3:-}"
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS from Debian's package, with nothing to boot: it must get through its own probing
# of the machine to the point where it says so.
#
# limit: 600 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

bios=/usr/share/seabios/bios-256k.bin
[ -f "$bios" ] || skip_all "no SeaBIOS (package seabios)"

# firmware NAME OPTION ...: its debug output, port 0x402, goes to standard output.
firmware()
{
    name=$1
    shift
    vm_start -accel "$accel" -machine q35 -m 128M -nodefaults -display none \
        -chardev stdio,id=debug -device isa-debugcon,iobase=0x402,chardev=debug "$@"
    check "$name: starts" says '^SeaBIOS \(version'
    check "$name: sees all memory" says 'RamSize: 0x08000000|len 0x0000000008000000 \[RAM\]'
    check "$name: finds ACPI tables" says '(ACPI tables|Found [0-9]+ cpu|RSDP)'
    check "$name: reaches 'No bootable device'" says '^No bootable device'
    vm_signal TERM
    check "$name: SIGTERM ends it with status 0" ends_with 0
}

firmware "-bios" -bios "$bios"
firmware "no -bios"
firmware "4 vCPUs" -smp 4
check "4 vCPUs: all are found" says '^Found 4 cpu\(s\)'
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What firmware boots: SeaBIOS from SATA disks, CDs and virtio disks in the order that
# -boot and bootindex= say; OVMF from flash, whose variables survive.
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/sector.sh
. tests/lib/sector.sh

disks=$(mktemp -d)
trap 'vm_stop; rm -rf "$vm_dir" "$disks"' EXIT

machine()
{
    vm_start -accel "$accel" -machine q35 -m 256M -nodefaults -display none \
        -serial stdio "$@"
}

never_starts()
{
    vm_read_log
    ! grep -a '^started:' "$vm_log"
}

# starts NAME WHICH OPTION ...: the first thing started is WHICH.
starts()
{
    name=$1 which=$2
    shift 2
    machine "$@"
    check "$name" says "^started: $which\$"
    vm_stop
}

if [ -f /usr/share/seabios/bios-256k.bin ]; then
    boot_disk "$disks/a" disk-a
    boot_disk "$disks/b" disk-b
    boot_disc "$disks/cd" disc
    boot_disc "$disks/cd-reset" disc reset
    a="file=$disks/a,format=raw" b="file=$disks/b,format=raw"

    starts "SATA disk" disk-a -hda "$disks/a"
    starts "virtio disk" disk-a -drive "$a,if=virtio"
    starts "CD" disc -cdrom "$disks/cd"
    starts "the disk comes before the CD" disk-a -drive "$a" -cdrom "$disks/cd"
    starts "-boot d" disc -drive "$a" -cdrom "$disks/cd" -boot d
    starts "-boot order=dc" disc -drive "$a,if=virtio" -cdrom "$disks/cd" -boot order=dc
    starts "bootindex= of a SATA disk" disk-b -drive "$a,if=none,id=a" \
        -device virtio-blk-pci,drive=a,bootindex=2 -drive "$b,if=none,id=b" \
        -device ide-hd,drive=b,bus=ide.3,bootindex=1
    starts "bootindex= of a virtio disk" disk-b -drive "$a,if=none,id=a" \
        -device ide-hd,drive=a,bootindex=7 -drive "$b,if=none,id=b" \
        -device virtio-blk-pci,drive=b,bootindex=0
    starts "bootindex= of a CD comes before -boot c" disc -drive "$a" -boot c \
        -drive "file=$disks/cd,format=raw,if=none,id=cd,readonly=on" \
        -device ide-cd,drive=cd,bootindex=0
    starts "a controller of its own" disk-b -device ahci,id=sata -drive "$b,if=none,id=b" \
        -device ide-hd,drive=b,bus=sata.5,bootindex=0 -drive "$a"

    machine -drive "$a" -cdrom "$disks/cd-reset" -boot once=d
    check "-boot once=d: first the CD" says '^started: disc$'
    check "-boot once=d: after a reset the disk" says '^started: disk-a$'
    vm_stop

    machine -drive "$a,if=none,id=a" -device ide-hd,drive=a -boot strict=on,order=n \
        -chardev "file,id=log,path=$disks/log" \
        -device isa-debugcon,iobase=0x402,chardev=log
    check "strict=on: without a bootindex nothing is started" \
        timeout 120 sh -c "until grep -aq 'No bootable' '$disks/log'; do sleep 0.2; done"
    check "strict=on: the disk was not started" never_starts
    vm_stop
else
    skip "SeaBIOS" "no firmware (package seabios)"
fi

kept='setvar Kept -guid 12345678-1234-1234-1234-123456789abc'

# Two chips, firmware and variables, up to the shell's prompt.
ovmf()
{
    machine -drive "if=pflash,format=raw,unit=0,readonly=on,file=$code" \
        -drive "if=pflash,format=raw,unit=1,file=$disks/vars"
    vm_expect 'Press .*ESC' && vm_type '\033'
}

code=/usr/share/OVMF/OVMF_CODE_4M.fd
if [ -f $code ]; then
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$disks/vars"
    ovmf
    check "OVMF: its shell starts from flash" says 'Shell>'
    vm_type "$kept -nv -bs =0x4d617966\r"
    vm_type 'echo did-%s\r' set
    check "OVMF: a variable is set" says 'did-set'
    sleep 1
    vm_signal KILL
    vm_wait
    ovmf
    check "OVMF: starts again" says 'Shell>'
    vm_type "$kept\r"
    check "OVMF: the variable survived kill -9" says '66 79 61 4D'
    vm_stop
else
    skip "OVMF" "no firmware (package ovmf)"
fi
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# OVMF from two flash chips: a variable that UEFI's shell writes is there at the next boot.
#
# limit: 900 seconds

export MAYFLY_BOOT_LIMIT="${MAYFLY_BOOT_LIMIT:-300}"
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

code=/usr/share/OVMF/OVMF_CODE_4M.fd
[ -f "$code" ] || skip_all "no OVMF (package ovmf)"
guid=01234567-89ab-cdef-0123-456789abcdef
# "it survives", as the shell shows it.
bytes='69 74 20 73 75 72 76 69 76 65 73'
vars=$(mktemp)
trap 'vm_stop; rm -rf "$vm_dir" "$vars"' EXIT
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$vars"
before=$(md5sum < "$vars")

# The shell is in the firmware; its first key ends a countdown.
shell()
{
    vm_start -accel "$accel" -cpu max -machine q35 -m 128M -nodefaults -display none \
        -serial stdio -no-reboot -drive "if=pflash,format=raw,readonly=on,file=$code" \
        -drive "if=pflash,format=raw,file=$vars"
    check "$1: UEFI's shell" says 'Shell> '
}

power_off()
{
    vm_type 'reset -s\r'
    check "$1: its power-off" ends_with 0
}

shell "first boot"
vm_type 'setvar mayfly -guid %s\r' "$guid"
check "first boot: there is no such variable" says 'Unable to get'
vm_type 'setvar mayfly -guid %s -bs -nv ="it survives"\r' "$guid"
vm_type 'setvar mayfly -guid %s\r' "$guid"
check "first boot: it is written" says "$bytes"
power_off "first boot"
check "the file of variables has changed" [ "$(md5sum < "$vars")" != "$before" ]
shell "second boot"
vm_type 'setvar mayfly -guid %s\r' "$guid"
check "second boot: the variable has survived" says "$bytes"
power_off "second boot"
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is printed on demand, and the statuses: -version, -help and "help" as a value.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

first_line()
{
    head -n 1 "$dir/out" | grep -Eqx "$1" || show
}

for option in -version --version; do
    run $option
    check "$option: status 0" ended 0
    check "$option: nothing on stderr" silent
    check "$option: one line as QEMU's" \
        first_line 'QEMU emulator version 8\.2\.[0-9]+ \(Mayfly [0-9.]+\)'
done
check "-version: one line" [ "$(wc -l < "$dir/out")" = 1 ]
# How scripts find the number: the fourth word; the first run of digits and dots.
check "-version: the fourth word is the version" \
    [ "$(awk '{ print $4; exit }' "$dir/out")" = 8.2.0 ]
check "-version: the first digits are the version" \
    [ "$(tr -cs '0-9.' '\n' < "$dir/out" | grep -m 1 '[0-9]')" = 8.2.0 ]
run -version -nosuchoption
check "-version: what follows does not matter" ended 0

for option in -h -help --help; do
    run $option
    check "$option: status 0" ended 0
    check "$option: begins with the version" first_line 'QEMU emulator version 8\.2\..*'
done
for option in machine accel cpu smp m kernel initrd append bios nographic display \
    serial parallel monitor chardev mon echr nodefaults no-user-config no-reboot \
    no-shutdown action device global object name uuid rtc smbios fw_cfg boot vga net \
    nic pidfile daemonize S d D help version; do
    check "-help: has -$option" grep -q "^  -$option\( \|\$\)" "$dir/out"
done
check "-help: no long lines" [ "$(awk 'length > 100' "$dir/out" | wc -l)" = 0 ]

# Lists: the option, and something that must be in it.
while read -r option value want; do
    run "-$option" "$value"
    check "-$option $value: status 0" ended 0
    check "-$option $value: nothing on stderr" silent
    check "-$option $value: has $want" grep -q -- "$want" "$dir/out"
done << 'END'
machine help ^q35
machine ? ^pc
machine q35,help hpet
accel help ^soft
cpu help qemu64
device help virtio-rng-pci
device virtio-rng-pci,help max-bytes
chardev help socket
chardev socket,help path
object help rng-random
object rng-random,help filename
action help panic
smp help sockets
boot help menu
rtc help base
name help process
d help guest_errors
smbios help type
display help none
END
run -machine help
check "-machine help: heading" first_line 'Supported machines are:'
run -device virtio-rng-pcx,help
check "-device NONE,help: status 1" ended 1
check "-device NONE,help: one line" [ "$(wc -l < "$dir/errors")" = 1 ]

# Nobody to read it.
for redirection in '>&-' '> /dev/full' '| true'; do
    # shellcheck disable=SC2034
    name="-help $redirection: no crash"
    eval "\"\$MAYFLY\" -help $redirection" 2> "$dir/errors"
    status=$?
    check "$name" [ $status -lt 2 ]
done
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said of mistakes: "PROGRAM: -option value: text" on stderr and status 1.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

# wrong TEXT OPTION ...: exactly this line.
wrong()
{
    text=$1
    shift
    run "$@"
    check "$text: status" ended 1
    check "$text: the line" says_error "$text"
    check "$text: nothing on stdout" [ ! -s "$dir/out" ]
}

wrong "-kernal: invalid option; did you mean '-kernel'?" -kernal x
wrong "-kernel: requires an argument: -kernel FILE" -kernel
wrong "-m 0: '0' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" -m 0
wrong "-m 100T: '100T' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" \
    -m 100T
wrong "-smp 0: cpus: '0' is not a number from 1 to 100000" -smp 0
smp="Invalid SMP CPUs 100000. The max CPUs supported by machine 'q35' is 64"
wrong "-smp 100000: $smp" -smp 100000
wrong "-append x: only allowed with -kernel" -append x
wrong "-accel warp: invalid accelerator warp; '-accel help' lists them" -accel warp
wrong "-daemonize: -nographic cannot be used with -daemonize" -daemonize -nographic
wrong "-object rng-random: option 'id' is required: the name by which devices find it" \
    -display none -object rng-random
wrong "-fw_cfg opt/x: needs one of string=TEXT and file=PATH" -display none -fw_cfg opt/x
wrong "-fw_cfg opt/x,file=/nonexistent: /nonexistent: No such file or directory" \
    -display none -fw_cfg opt/x,file=/nonexistent
log=/nonexistent/log
wrong "-D $log: cannot write log file '$log': No such file or directory" -D $log

# What a disk's device can't be.
disk=virtio-blk-pci,drive=d
for n in "0: num-queues property must be larger than 0" \
    "5000: num-queues property must be at most 63"; do
    wrong "-device $disk,num-queues=$n" -display none -drive \
        if=none,id=d,driver=null-co -device "$disk,num-queues=${n%%:*}"
done

# An error by another name.
ln -s "$(realpath "$MAYFLY")" "$dir/kvm-spice"
"$dir/kvm-spice" -foo 2> "$dir/errors"
check "the program's name is the one it was called by" \
    [ "$(cat "$dir/errors")" = "kvm-spice: -foo: invalid option ('-help' lists them)" ]

# Random words on the command line: a status, a line, no crash.
words='-m -smp -machine -cpu -accel -device -serial -chardev -object -name -boot -rtc
    -uuid -action -mon -global -smbios -fw_cfg -echr 0 1 64 -1 x none null stdio , = a=b
    ,, id=a q35 tcg kvm on off virtio-rng-pci rng-builtin,id=a null,id=a order=c 1T
    99999999999999999999 file:/nonexistent/x tcg:kvm -nodefaults -S %s%n type=1'
round=0
crashes=0
while [ $round -lt 150 ]; do
    round=$((round + 1))
    set -f
    # shellcheck disable=SC2046,SC2086
    set -- $(printf '%s\n' $words | shuf -n $((round % 7 + 1)))
    set +f
    # An option that is always wrong ends it.
    run "$@" -nosuchoption x
    if [ $status != 1 ] || [ "$(wc -l < "$dir/errors")" != 1 ]; then
        crashes=$((crashes + 1))
        echo "# $*"
        show
    fi
done
check "random words: one line and status 1" [ $crashes = 0 ]
finish

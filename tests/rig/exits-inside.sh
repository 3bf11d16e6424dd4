#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/exits.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
# As in boot-inside.sh.
export MAYFLY_CPU=host,-xsave
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

ours=$MAYFLY
requests=2000
rounds=5
kib=8192
stats=/sys/kernel/debug/kvm
busybox=$guests/busybox
dir=/tmp/exits
mkdir -p $dir/www
mount -t debugfs debugfs /sys/kernel/debug 2> /dev/null
truncate -s 64M $dir/disk
head -c $((kib * 1024)) /dev/urandom > $dir/www/blob
ip link set lo up

# The machine's counter $1 so far; where the kernel has no such counter, 0.
counter()
{
    cat "$stats/$vm_pid"-*/"$1" 2> /dev/null || echo 0
}

mark()
{
    exits=$(counter exits)
    halts=$(counter halt_exits)
    irqs=$(counter irq_injections)
}

# told MONITOR WHAT DIVISOR UNIT: what happened since mark(), per unit of work, in hundredths.
tell()
{
    exits=$((($(counter exits) - exits) * 100 / $3))
    halts=$((($(counter halt_exits) - halts) * 100 / $3))
    irqs=$((($(counter irq_injections) - irqs) * 100 / $3))
    echo "# $1, $2: per $4 $(hundredths $exits) exits ($(hundredths $halts) HLT)," \
        "$(hundredths $irqs) interrupts"
    echo "$exits $irqs" >> "$dir/$1.$2"
}

hundredths()
{
    printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

# The guest reads blocks when it is told to, and serves what it has fetched.
script="cd /tmp; httpd -p 80 -h /tmp; echo up; read -r word; dd if=/dev/vda of=/dev/null bs=4k count=$requests iflag=direct 2> /dev/null; echo has read; read -r word; for n in \$(seq $rounds); do wget -q -O blob http://192.168.9.1/blob; echo has fetched \$n; read -r word; done"

# measure MONITOR
measure()
{
    monitor=$1
    boot cloud "quiet mayfly.net=192.168.9.2 mayfly.run=\"$script\"" \
        -drive "file=$dir/disk,format=raw,if=none,id=d" \
        -device virtio-blk-pci,drive=d,disable-legacy=on,num-queues=1 \
        -netdev tap,id=n,ifname=tap-exits,script=no,downscript=no \
        -device virtio-net-pci,netdev=n,disable-legacy=on
    check "$monitor: the guest is up" says '^up'
    ip address add 192.168.9.1/24 dev tap-exits
    ip link set tap-exits up
    "$busybox" httpd -f -p 192.168.9.1:80 -h $dir/www &
    server=$!
    "$busybox" ping -q -c 3 192.168.9.2 > /dev/null
    mark
    check "$monitor: $requests answers to $requests pings" answers
    tell "$monitor" ping $requests "round trip"
    mark
    bells=$(counter mmio_exits)
    vm_send go
    check "$monitor: $requests blocks read" says '^has read'
    tell "$monitor" read $requests request
    bells=$(($(counter mmio_exits) - bells))
    check "$monitor: and hardly a notification left the kernel ($bells)" \
        [ $bells -lt $((requests / 10)) ]
    for n in $(seq $rounds); do
        mark
        vm_send go
        check "$monitor: a file fetched" says "^has fetched $n"
        tell "$monitor" fetch $((kib / 64)) "64 KiB received"
        mark
        check "$monitor: the file back" fetched
        tell "$monitor" serve $((kib / 64)) "64 KiB sent"
    done
    kill $server
    vm_send go
    check "$monitor: power-off ends with status 0" ends_with 0
}

answers()
{
    "$busybox" timeout 120 "$busybox" ping -q -A -c $requests 192.168.9.2 > $dir/ping
    grep -q " $requests packets received" $dir/ping || { sed 's/^/# /' $dir/ping && return 1; }
}

fetched()
{
    "$busybox" timeout 120 wget -q -O $dir/back http://192.168.9.2/blob &&
        cmp $dir/back $dir/www/blob
}

# least MONITOR WHAT COLUMN: of all rounds, since what else runs on this host slows one side
# down, and what comes late comes alone.
least()
{
    cut -d ' ' -f "$3" "$dir/$1.$2" | sort -n | head -n 1
}

# no_more WHAT: than QEMU, give or take what such counts differ from run to run; one exit
# or interrupt too many per request would be more than that.
no_more()
{
    exits=$(least mayfly "$1" 1)
    irqs=$(least mayfly "$1" 2)
    [ "$exits" -gt 0 ] && [ "$exits" -le $(($(least qemu "$1" 1) * 3 / 2)) ] &&
        [ "$irqs" -le $(($(least qemu "$1" 2) * 3 / 2)) ]
}

check "the rig has KVM" [ -c /dev/kvm ]
check "the rig has KVM's statistics" [ -d $stats ]
measure mayfly
MAYFLY=qemu-system-x86_64
measure qemu
MAYFLY=$ours
check "a round trip: no more exits and interrupts than QEMU" no_more ping
check "a block read: no more exits and interrupts than QEMU" no_more read
# How a stream is cut into packets is chance: told, not judged.
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a guest notices of a restore: its clocks, its random numbers, the link of its
# network, and whether what was under way at the save (bytes to the UART, requests to a
# disk) is lost or done twice.
#
# limit: 600 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

obey='set -f; echo to be saved; while read -r x; do eval $x; done'
truncate -s 32M "$dir/base"

restore()
{
    vm_start -loadvm "$1" -snapshot-when "nothing of this kind,to=$dir/none"
}

boot cloud "quiet mayfly.net=dhcp mayfly.run=\"$obey\"" -smp 2 -nic user,restrict=on \
    -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" -snapshot-when "to be saved,to=$dir/s,exit=on"
check "saved" ends_with 0
saved=$(date +%s)
sleep 5

# ---- clocks ----

clock_is()
{
    # shellcheck disable=SC2046
    set -- "$1" $(sed -n "s/^$2 //p" "$vm_log" | head -n 1) "$3"
    # $1 what, $2 the guest's, $3 what it should be
    off=$(($2 - $3))
    if [ $off -lt -1 ] || [ $off -gt 30 ]; then
        echo "# $1: $2, not $3"
        return 1
    fi
}

restore "$dir/s"
vm_send 'read -r up x < /proc/uptime; echo before ${up%.*}; hwclock -s -u; read -r up x < /proc/uptime; echo after ${up%.*}; echo date $(date +%s)'
check "answers" says '^date [0-9]'
now=$(date +%s)
check "the real-time clock has the host's time" clock_is date date $((now - 1))
up=$(sed -n 's/^before //p' "$vm_log")
check "the clock that counts from boot did not jump" [ "${up:-999}" -lt 60 ]
check "nor when the date was set" clock_is uptime after "$up"
check "time had passed since the save" [ "$now" -gt $((saved + 4)) ]
vm_send 'dmesg | grep -E "sta[l]l|locku[p]|unstabl[e]|ske[w]"; echo log read'
check "reads its log" says '^log read'
check "nothing of it is in the guest's log" never_says 'stall|lockup|unstable|skew'

# ---- random numbers: the kernel has heard of its new generation soon, not at once ----

vm_stop
numbers()
{
    restore "$dir/s"
    vm_send 'sleep 1; echo random $(head -c 16 /dev/urandom | md5sum)'
    says '^random [0-9a-f]' && sed -n 's/^random //p' "$vm_log" >> "$dir/numbers"
    vm_stop
}
check "a run reads random numbers" numbers
check "another one" numbers
check "they are others" [ "$(sort -u "$dir/numbers" | wc -l)" = 2 ]

# ---- the link ----

links='echo downs $(cat /sys/class/net/eth0/carrier_down_count) ups $(cat /sys/class/net/eth0/carrier_up_count) "now" $(cat /sys/class/net/eth0/carrier)'
restore "$dir/s"
vm_send "sleep 2; $links"
check "without relink the link stays" says '^downs [0-9]+ ups [0-9]+ now 1'
downs=$(sed -n 's/^downs \([0-9]*\) .*/\1/p' "$vm_log")
ups=$(sed -n 's/^downs [0-9]* ups \([0-9]*\) .*/\1/p' "$vm_log")
vm_send "sleep 2; y=x; $links"
check "it is as it was" says_times "^downs $downs ups $ups now 1" 2
vm_stop
restore "$dir/s,relink=on"
vm_send "sleep 2; $links"
check "with it the guest sees it go down and up" says "^downs $((downs + 1)) ups $((ups + 1)) now 1"
vm_send 'udhcpc -i eth0 -n -q -t 10 > /dev/null && echo leased "again"'
check "and can have an address again" says '^leased again'
vm_stop

# ---- under way ----

# Lines of 60 bytes as fast as the port takes them; saved somewhere in between.
restore "$dir/s"
vm_stop
vm_start -loadvm "$dir/s" -snapshot-when "line 700 ,to=$dir/t,exit=on"
vm_send 'i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); echo "line $i 0123456789012345678901234567890123456789012345678"; done; echo all "lines"'
check "saved while it prints" ends_with 0
cat "$vm_dir/raw" > "$dir/printed"
restore "$dir/t"
check "goes on printing" says '^all lines'
cat "$vm_dir/raw" >> "$dir/printed"
vm_stop
tr -d '\r' < "$dir/printed" | grep -a '^line ' > "$dir/lines"
seq 2000 | sed 's/.*/line & 0123456789012345678901234567890123456789012345678/' > "$dir/wanted"
check "no byte was lost, none came twice" cmp "$dir/lines" "$dir/wanted"

# Requests of a disk: written without a cache, read back and compared with what they were.
vm_start -loadvm "$dir/s" -snapshot-when "now half,to=$dir/u,exit=on"
vm_send 'head -c 2000000 /dev/urandom > /tmp/r; (sleep 0.3; echo now "half") & i=0; while [ $i -lt 14 ]; do dd if=/tmp/r of=/dev/vda bs=2000 seek=$((i * 1000)) conv=notrunc,fsync 2> /dev/null; i=$((i + 1)); done; wait; echo 3 > /proc/sys/vm/drop_caches; i=0; bad=0; while [ $i -lt 14 ]; do dd if=/dev/vda bs=2000 skip=$((i * 1000)) count=1000 2> /dev/null | cmp - /tmp/r || bad=1; i=$((i + 1)); done; echo written, "bad" $bad'
check "saved while it writes a disk" ends_with 0
restore "$dir/u"
check "all is on the disk" says '^written, bad 0'
vm_stop
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian with systemd, 4 vCPUs, at work on a virtio disk, with a virtio network: saved at
# random moments and gone on with from there, translated and interpreted.  Its checksums
# come out right, those on the disk too, whose file system is clean.  MAYFLY_LONG=N in the
# environment: N times (4) on each engine.
#
# limit: 20000 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/work.sh
. tests/lib/work.sh

need_debian
vm_limit=900
times=${MAYFLY_LONG:-4}
chain=10                        # saves of one piece of work, each a child of the last
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
seed=${MAYFLY_SEED:-$$}
echo "# MAYFLY_SEED=$seed"

# A random number below $1.
chance()
{
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    chance=$((seed / 65536 % $1))
}

restore()
{
    vm_start -loadvm "$1" -accel "$engine" -serial mon:stdio
}

# Saved after up to 3 seconds, by the monitor behind Ctrl-A C.
save_sometime()
{
    chance 3000
    sleep "$((chance / 1000)).$(printf %03d $((chance % 1000)))"
    vm_type '\001csavevm %s\nquit\n' "$1"
    vm_wait
    if [ "$vm_status" != 0 ] || [ ! -f "$1/state" ]; then
        echo "# not saved after $chance ms"
        vm_tail | sed 's/^/# /'
        return 1
    fi
}

# One piece of work that is saved up to $1 times on its way; the last run ends it.
piece_of_work()
{
    restore "$dir/ready"
    work_send "$steps" a b c d
    n=0
    while [ $n -lt "$1" ] && ! work_is_over; do
        save_sometime "$dir/s$n" || return 1
        work_kept
        restore "$dir/s$n"
        n=$((n + 1))
    done
    work_is_right "$steps" a b c d || return 1
    never_says "$trouble|I/O error"
    vm_stop
    rm -rf "$dir"/s[0-9]*
}

sum_base=$(sha256sum < "$debian/disk.img")
engine=soft
work_machine "$dir/data" -accel soft -cpu portable -m 512M -smp 4 -nic user \
    -snapshot-when "work is known,to=$dir/ready,exit=on"
check "up and saved" work_log_in
check "saved" ends_with 0
sum_data=$(sha256sum < "$dir/data")
sum_ready=$(cat "$dir/ready"/* | sha256sum)

for engine in soft soft,jit=off; do
    [ $engine = soft ] && steps=300 || steps=40
    left=$times
    failed=0
    while [ "$left" -gt 0 ]; do
        [ "$left" -gt $chain ] && now=$chain || now=$left
        piece_of_work "$now" || { failed=$((failed + 1)) && n=$now; }
        left=$((left - n))
        vm_stop
    done
    check "-accel $engine: saved and restored $times times, the results are right" [ $failed = 0 ]
done
check "the snapshot it all began with is as it was" [ "$sum_ready" = "$(cat "$dir/ready"/* | sha256sum)" ]
check "so is the disk's image" [ "$sum_data" = "$(sha256sum < "$dir/data")" ]
check "so is Debian's" [ "$sum_base" = "$(sha256sum < "$debian/disk.img")" ]
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many machines at once from one snapshot of 1 GiB: each answers on its serial port, gets
# an address behind a user network of its own, and writes its disk; the snapshot and the
# disk's image stay as they are.  MAYFLY_LONG in the environment: 100 of them (8).
#
# limit: 1800 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
clones=${MAYFLY_LONG:+100}
clones=${clones:-8}
dir=$(mktemp -d)
pids=
# shellcheck disable=SC2086  # words
trap 'vm_stop; [ -z "$pids" ] || kill $pids 2> /dev/null; wait; rm -rf "$dir" "$vm_dir"' EXIT

head -c 8000000 /dev/urandom > "$dir/base"
boot cloud 'quiet mayfly.run="stty -echo; set -f; echo to be saved; while read -r x; do eval $x; done"' \
    -m 1G -nic user,restrict=on -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" \
    -snapshot-when "to be saved,to=$dir/one,exit=on"
check "saved" ends_with 0
sums=$(sha256sum "$dir/base" "$dir/one"/*)

lease='printf "#!/bin/busybox sh\n[ \$1 = bound ] && ifconfig \$interface \$ip && echo clone $n has \$ip from \$serverid\n" > /tmp/l; chmod 755 /tmp/l; ifconfig eth0 up; udhcpc -q -n -f -t 20 -i eth0 -s /tmp/l 2> /dev/null'

i=0
while [ $i -lt "$clones" ]; do
    i=$((i + 1))
    mkfifo "$dir/in$i"
    "$MAYFLY" -loadvm "$dir/one" -accel "$accel" -serial stdio < "$dir/in$i" > "$dir/out$i" 2> "$dir/err$i" &
    pids="$pids $!"
    {
        printf 'n=%s; echo answer $((n * 7))\n' $i
        printf 'head -c 300000 /dev/urandom > /tmp/r; dd if=/tmp/r of=/dev/vda bs=1000 seek=%s conv=notrunc,fsync 2> /dev/null\n' $i
        printf 'dd if=/dev/vda bs=1000 skip=%s count=300 2> /dev/null | cmp - /tmp/r && echo disk "is" $n\n' $i
        printf '%s\n' "$lease"
    } > "$dir/in$i"
done

# count PATTERN: how many clones say this, # being the clone's number, @ seven times that.
count()
{
    i=0
    n=0
    while [ $i -lt "$clones" ]; do
        i=$((i + 1))
        ! tr -d '\r' < "$dir/out$i" | grep -aEq "$(echo "$1" | sed "s/#/$i/; s/@/$((i * 7))/")" || n=$((n + 1))
    done
    echo $n
}

all_say()
{
    tries=0
    until [ "$(count "$1")" = "$clones" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "# $(count "$1") of $clones" && return 1; }
        sleep 1
    done
}

check "$clones clones: each answers on its serial port" all_say '^answer @$'
check "$clones clones: each has its own disk" all_say '^disk is #$'
check "$clones clones: each has an address from its own network" all_say '^clone # has 10.0.2.15 from 10.0.2.2'
check "none of them complained" [ -z "$(cat "$dir"/err*)" ]
for pid in $pids; do
    kill -9 "$pid"
done
wait
pids=
check "the snapshot and the image are as they were" [ "$sums" = "$(sha256sum "$dir/base" "$dir/one"/*)" ]
finish

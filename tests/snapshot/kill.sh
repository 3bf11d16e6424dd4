#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 at random moments of a save, of a restore, and of a run from a snapshot: what was
# there before is as it was and can be used, and what was being saved is whole or not
# there.  MAYFLY_LONG=N in the environment: N times each (4).
#
# limit: 7200 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
times=${MAYFLY_LONG:-4}
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
truncate -s 32M "$dir/base"
boot cloud 'quiet mayfly.run="set -f; echo to be saved; while read -r x; do eval $x; done"' \
    -smp 2 -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" \
    -snapshot-when "to be saved,to=$dir/one,exit=on"
check "saved" ends_with 0
sums=$(sha256sum "$dir/base" "$dir/one"/*)

# Milliseconds: anything up to $1 at the $2nd time of all.
pause()
{
    ms=$(awk -v n="$2" -v max="$1" 'BEGIN { srand(n * 7919); print int(max * rand()) }')
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

is_usable()
{
    vm_start -loadvm "$1"
    vm_send 'echo usable $((6 * 7))'
    says '^usable 42'
    usable=$?
    vm_stop
    return $usable
}

busy='(while :; do head -c 500000 /dev/urandom > /tmp/x; dd if=/tmp/x of=/dev/vda bs=1000 conv=notrunc 2> /dev/null; done) &'

killed_save()
{
    vm_start -loadvm "$dir/one" -snapshot-when "save it now,to=$dir/killed,all=on"
    vm_send "$busy echo save it \"now\""
    vm_expect '^save it now' || return 1
    pause 600 "$1"
    vm_signal KILL
    vm_wait 10
    [ ! -e "$dir/killed" ] || is_usable "$dir/killed" || return 1
    rm -rf "$dir/killed" "$dir"/killed.new.*
}

killed_restore()
{
    vm_start -loadvm "$dir/one"
    pause 30 "$1"
    vm_signal KILL
    vm_wait 10
}

killed_run()
{
    vm_start -loadvm "$dir/one"
    vm_send "$busy echo it is \"busy\""
    vm_expect '^it is busy' || return 1
    pause 1000 "$1"
    vm_signal KILL
    vm_wait 10
}

for what in save restore run; do
    n=0
    failed=0
    while [ $n -lt "$times" ]; do
        n=$((n + 1))
        "killed_$what" $n || failed=$((failed + 1))
    done
    check "killed in a $what $times times: nothing is half there" [ $failed = 0 ]
    check "killed in a $what: the snapshot and the image are as they were" \
        [ "$sums" = "$(sha256sum "$dir/base" "$dir/one"/*)" ]
done
check "the snapshot can be used" is_usable "$dir/one"
finish

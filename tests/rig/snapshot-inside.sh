#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/snapshot.sh that runs in the rig.

# shellcheck disable=SC2016
# (commands are the guest's)
export MAYFLY_CPU=portable
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

dir=$(mktemp -d)
obey='set -f; echo to be saved; while read -r x; do eval $x; done'

# save ACCEL: makes $dir/ACCEL
save()
{
    accel=$1
    boot cloud "quiet mayfly.run=\"$obey\"" -snapshot-when "to be saved,to=$dir/$1,exit=on"
    check "$1: saved" ends_with 0
}

# It computes what it should, and time goes on.
resume()
{
    vm_start -loadvm "$dir/$1" -accel "$2"
    vm_send 'echo answer $((6 * 7))'
    check "saved under $1, resumed under $2: answers" says '^answer 42'
    vm_send 'sha256sum < /bin/busybox > /tmp/a; sleep 1; sha256sum < /bin/busybox > /tmp/b; cmp /tmp/a /tmp/b && echo sums are "equal"'
    check "saved under $1, resumed under $2: works and sleeps" says '^sums are equal'
    vm_stop
}

check "the rig has KVM" [ -c /dev/kvm ]
save kvm
resume kvm kvm
resume kvm soft
save soft
resume soft kvm
finish

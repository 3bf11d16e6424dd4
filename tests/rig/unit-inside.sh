#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/unit.sh that runs in the rig.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

# A timer that comes sooner than the emulated CPUs can serve it is all that they do.
export MAYFLY_PERIOD=20

# try TEST: run it; its cases are in a file. One that fails is tried once more, as the
# emulator now and then loses an interrupt (tests/lib/rig.sh); what it said is shown.
try()
{
    timeout -k 5 200 "$1" --tap > /tmp/cases 2>&1
    status=$?
    [ $status = 0 ] || { echo "# $1: status $status" && tail -n 5 /tmp/cases | sed 's/^/# /'; }
    return $status
}

tests=$(dirname "$(readlink -f "$MAYFLY")")/tests/accel/kvm
for test in "$tests"/*.t; do
    name=$(basename "$test" .t)
    try "$test" || try "$test"
    grep -E '^(not )?ok [0-9]|^# ' /tmp/cases
    check "$name: its end" [ $status = 0 ]
    check "$name: nothing was skipped" [ "$(grep -c '# SKIP' /tmp/cases)" = 0 ]
done
check "there are such tests" [ $tap_count -gt 2 ]
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/unit.sh that runs in the rig.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

tests=$(dirname "$(readlink -f "$MAYFLY")")/tests/accel/kvm
for test in "$tests"/*.t; do
    name=$(basename "$test" .t)
    timeout -k 5 200 "$test" --tap > /tmp/cases 2>&1
    status=$?
    grep -E '^(not )?ok [0-9]|^# ' /tmp/cases
    check "$name: its end" [ $status = 0 ]
    [ $status = 0 ] || tail -n 5 /tmp/cases | sed 's/^/# /'
    check "$name: nothing was skipped" [ "$(grep -c '# SKIP' /tmp/cases)" = 0 ]
done
check "there are such tests" [ $tap_count -gt 2 ]
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs in the rig (tests/lib/rig.sh): loads the drivers of KVM and VFIO, then script $1.
# Meanwhile it says that it is alive.

while sleep 5; do
    echo "mayfly-rig: alive"
done &
while read -r module; do
    "$MAYFLY_GUESTS/busybox" insmod "$MAYFLY_GUESTS/generic/modules/$module"
done < "$MAYFLY_GUESTS/generic/modules/order"
exec sh "$1"

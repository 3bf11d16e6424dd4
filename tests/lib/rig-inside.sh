#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs in the rig (tests/lib/rig.sh): loads the drivers of KVM and VFIO, then script $1.

while read -r module; do
    "$MAYFLY_GUESTS/busybox" insmod "$MAYFLY_GUESTS/generic/modules/$module"
done < "$MAYFLY_GUESTS/generic/modules/order"
exec sh "$1"

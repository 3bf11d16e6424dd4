#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Exits and interrupts per request of virtio-net and virtio-blk under real KVM, from KVM's
# statistics, beside QEMU's with the same guest and options.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/exits-inside.sh
finish

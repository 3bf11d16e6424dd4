#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/blob.sh that runs in the rig.

export MAYFLY_ACCEL=kvm MAYFLY_BOOT_LIMIT=1200
exec sh tests/ui/gl-blob.sh

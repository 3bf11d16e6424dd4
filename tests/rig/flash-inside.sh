#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/flash.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
# shellcheck source=tests/boot/flash.sh
. tests/boot/flash.sh

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An ordinary Debian kernel under real KVM, with 1 and 2 vCPUs: boots, passes its
# self-test, powers off.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/boot-inside.sh
finish

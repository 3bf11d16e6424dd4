#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The unit tests of the KVM accelerator where all of KVM works.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/unit-inside.sh
finish

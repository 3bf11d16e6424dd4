#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine with -cpu portable, saved under one accelerator, goes on under the other.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/snapshot-inside.sh
finish

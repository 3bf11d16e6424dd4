#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The newest generic kernel for Debian 12 (6.12 where apt offers it) with 1 and 4 vCPUs.
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest latest
selftest latest 1
selftest latest 4
finish

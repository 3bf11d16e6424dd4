#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 while a guest writes to a raw image: see tests/lib/kill.sh.
#
# limit: 7200 seconds

# shellcheck disable=SC2034  # for kill.sh
format=raw
# shellcheck source=tests/lib/kill.sh
. tests/lib/kill.sh

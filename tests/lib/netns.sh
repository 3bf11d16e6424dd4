# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced first by tests of tap: they run once more, in network and mount namespaces of
# their own, or are skipped where there can be none.

if [ "${1:-}" != inside ]; then
    if ! unshare -n -m test -w /dev/net/tun 2> /dev/null; then
        echo "1..0 # SKIP no /dev/net/tun, or not allowed to make a network namespace"
        exit 0
    fi
    exec unshare -n -m sh "$0" inside
fi

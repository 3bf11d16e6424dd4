# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by shell tests: cases in TAP.
#
#   check NAME COMMAND ...   one case: it passes when the command succeeds
#   skip NAME REASON         one case that cannot run here
#   skip_all REASON          no case can; ends the script
#   finish                   the plan; last

tap_count=0

check()
{
    tap_count=$((tap_count + 1))
    tap_name=$1
    shift
    if "$@"; then
        echo "ok $tap_count - $tap_name"
    else
        echo "not ok $tap_count - $tap_name"
        echo "# failed: $*"
    fi
}

skip()
{
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
    echo "1..0 # SKIP $1"
    exit 0
}

finish()
{
    echo "1..$tap_count"
}

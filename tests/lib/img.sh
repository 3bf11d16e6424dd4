# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the tests of mayfly-img, from the top folder: $img is mayfly-img, the present
# folder an empty one that goes away, and check NAME COMMAND ... one case, which passes when
# the command succeeds; what it said is shown when it does not, and is in check.out.

set -u
bin=$(dirname "$MAYFLY")
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
# shellcheck disable=SC2034  # for who sources this
img=$bin/mayfly-img
MAYFLY=$bin/mayfly
n=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" || exit 1

check()
{
    name=$1
    shift
    n=$((n + 1))
    if "$@" > check.out 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' check.out
    fi
}

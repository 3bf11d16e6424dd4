# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the tests of the command line, from the top folder.  With
# MAYFLY=qemu-system-x86_64 most cases try themselves on another monitor.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

: "${MAYFLY:=./mayfly}"
accel=${MAYFLY_ACCEL:-tcg}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# run OPTION ...: to the end; sets $status, fills $dir/out and $dir/errors.
run()
{
    status=0
    timeout -k 1 20 "$MAYFLY" "$@" < /dev/null > "$dir/out" 2> "$dir/errors" ||
        status=$?
}

# guest OPTION ...: the same without anything that was not asked for.
guest()
{
    run -accel "$accel" -m 16 -nodefaults -display none "$@"
}

# rom FILE BYTES: firmware of 64 KiB; the CPU starts at BYTES (for printf; at most 16).
rom()
{
    {
        head -c 65520 /dev/zero
        # shellcheck disable=SC2059
        printf "$2"
        head -c 16 /dev/zero
    } | head -c 65536 > "$1"
}

# rom_out FILE HIGH LOW VALUE: writes VALUE to a port and waits (octal numbers):
# mov dx, port; mov al, value; out dx, al; hlt; jmp -3.
rom_out()
{
    rom "$1" "\\272\\$3\\$2\\260\\$4\\356\\364\\353\\375"
}

show()
{
    echo "# status $status"
    head -n 5 "$dir/out" "$dir/errors" | sed 's/^/#   /'
    return 1
}

# Conditions for check().
ended()
{
    [ "$status" = "$1" ] || show
}

silent()
{
    [ ! -s "$dir/errors" ] || show
}

# The one line on stderr is this one.
says_error()
{
    [ "$(cat "$dir/errors")" = "${MAYFLY##*/}: $1" ] || show
}

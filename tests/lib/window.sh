# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by tests of windows, after tests/lib/tap.sh and scripts/vm.sh, from the top
# folder: a virtual X server, and what is in its window.

# shellcheck disable=SC2154  # scripts/vm.sh has vm_dir
# A virtual X server, in $DISPLAY; its screen is a file in $x_dir.  Skips all without one.
x_start()
{
    if ! command -v Xvfb > /dev/null || ! command -v xdotool > /dev/null; then
        skip_all "no Xvfb or no xdotool (packages xvfb, xdotool)"
    fi
    x_dir=$(mktemp -d)
    Xvfb -displayfd 9 -screen 0 1024x768x24 -noreset -fbdir "$x_dir" \
        9> "$x_dir/number" > /dev/null 2>&1 &
    x_server=$!
    trap 'vm_stop; kill $x_server; rm -rf "$vm_dir" "$x_dir"' EXIT
    x_ticks=100
    until [ -s "$x_dir/number" ]; do
        x_ticks=$((x_ticks - 1))
        [ $x_ticks -gt 0 ] || skip_all "the X server does not start"
        sleep 0.1
    done
    DISPLAY=:$(cat "$x_dir/number")
    export DISPLAY
}

# within SECONDS COMMAND ...: it succeeds, at some time while the machine lives.  COMMAND
# may use it, too.
within()
{
    within_seconds=$1
    shift
    within_time $(($(date +%s) + within_seconds)) "$@"
}

within_time()
{
    until without_first "$@"; do
        if vm_ended || [ "$(date +%s)" -ge "$1" ]; then
            return 1
        fi
        sleep 0.2
    done
}

without_first()
{
    shift
    "$@"
}

x_has_window()
{
    xdotool search --name "$1" > "$vm_dir/window" 2> /dev/null && [ -s "$vm_dir/window" ]
}

# Finds the window by its title; then $window is its number.
x_window()
{
    within 30 x_has_window "$1" && window=$(head -n 1 "$vm_dir/window")
}

x_is_sized()
{
    xdotool getwindowgeometry "$window" 2> /dev/null | grep -q "$1"
}

# The window gets this size, as "640x480".
x_sized()
{
    within 30 x_is_sized "$1"
}

# Line $1 of the window, $2 pixels, as "rrggbb ...": from the server's screen, whose file
# begins with a header that tells its own size (X11/XWDFile.h), and a table of 256 colors.
x_line()
{
    eval "$(xdotool getwindowgeometry --shell "$window" | grep -E '^[XY]=')"
    x_head=$(od -An -tu1 -N 4 "$x_dir/Xvfb_screen0" |
        awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
    x_colors=$(od -An -tu1 -j 76 -N 4 "$x_dir/Xvfb_screen0" |
        awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
    # shellcheck disable=SC2153  # X and Y are xdotool's
    tail -c +$((x_head + x_colors * 12 + ((Y + $1) * 1024 + X) * 4 + 1)) \
        "$x_dir/Xvfb_screen0" | head -c $(($2 * 4)) | od -An -v -tx1 -w4 |
        awk '{ print $3 $2 $1 }'
}

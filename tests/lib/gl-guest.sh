# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by tests of displays, after tests/lib/tap.sh and scripts/vm.sh, from the top
# folder: a Debian guest with Mesa (scripts/guest-gl) on the software CPU; a virtual X
# server; pictures.
#
# The guest's console is in $vm_dir/serial, the monitor on the machine's own input.

# shellcheck disable=SC2154  # scripts/vm.sh has vm_dir
gl_accel=${MAYFLY_ACCEL:-soft}

need_gl_guest()
{
    gl_guest=$(scripts/guest-gl --path "$1")
    [ -f "$gl_guest/root.img" ] ||
        skip_all "no guest '$1' (made by: scripts/guest-gl $1)"
    [ -f "${BUILD:-build}/modules/gpu-virgl.so" ] ||
        skip_all "no 3D in this build (package libvirglrenderer-dev)"
}

# gl_boot COMMAND OPTION ...: COMMAND runs in the guest, without ' and " in it.
gl_boot()
{
    gl_command="mount -t ext4 -o ro /dev/vda /mnt && chroot /mnt /run-gl '$1'"
    shift
    vm_start -accel "$gl_accel" -machine q35 -m 512M -nodefaults -vga none -monitor stdio \
        -serial "file:$vm_dir/serial" \
        -drive "file=$gl_guest/root.img,format=raw,if=none,id=root,readonly=on" \
        -device virtio-blk-pci,drive=root -kernel "$gl_guest/vmlinuz" \
        -initrd "$gl_guest/initrd" \
        -append "console=ttyS0 loglevel=4 mayfly.run=\"$gl_command\"" "$@"
}

# gl_cubes N: the guest's command for kmscube that draws N pictures and then stands still
# with the last one, in the middle of its last message: into a pipe that nobody empties
# and that is filled when kmscube has said what it says at first.
gl_cubes()
{
    # shellcheck disable=SC2016  # the guest's shell expands it
    printf '%s' 'mkfifo /tmp/p; sleep 99999 < /tmp/p & echo gl: begins > /dev/ttyS0; ' \
        'sleep 99999 | kmscube -c '"$1"' > /tmp/p 2> /dev/ttyS0 & pid=$!; was=x; now=y; ' \
        'until [ $was = $now ]; do was=$now; sleep 2; ' \
        'now=$(grep wchar /proc/$pid/io | cut -d : -f 2); done; ' \
        'echo gl: runs > /dev/ttyS0; dd if=/dev/zero of=/tmp/p bs=4096; sleep 99999'
}

# The picture no longer changes: it is in $vm_dir/$1.ppm.
still()
{
    gl_tries=120
    until dump "$1" "$2" && sleep 1 && dump "$1-later" "$2" &&
        cmp -s "$vm_dir/$1.ppm" "$vm_dir/$1-later.ppm"; do
        gl_tries=$((gl_tries - 1))
        if [ $gl_tries -le 0 ] || vm_ended; then
            return 1
        fi
    done
}

# The guest's console says it, within the time limit or $2 seconds.
guest_says()
{
    gl_ticks=$((${2:-$vm_patience} * 5))
    until grep -aEq "$1" "$vm_dir/serial" 2> /dev/null; do
        gl_ticks=$((gl_ticks - 1))
        if [ $gl_ticks -le 0 ] || vm_ended; then
            tail -n 12 "$vm_dir/serial" | sed 's/^/# /'
            vm_tail | sed 's/^/# /'
            vm_patience=2
            return 1
        fi
        sleep 0.2
    done
}

# A PPM in $vm_dir/$1.ppm; it is complete when the next command's answer has come.
dump()
{
    rm -f "$vm_dir/$1.ppm"
    vm_send "screendump $vm_dir/$1.ppm"
    vm_send "info version"
    gl_ticks=100
    until [ -s "$vm_dir/$1.ppm" ] && [ "$(wc -c < "$vm_dir/$1.ppm")" -ge "${2:-1}" ]; do
        gl_ticks=$((gl_ticks - 1))
        if [ $gl_ticks -le 0 ] || vm_ended; then
            return 1
        fi
        sleep 0.1
    done
}

# "WIDTH HEIGHT" of $vm_dir/$1.ppm
dump_size()
{
    sed -n 2p "$vm_dir/$1.ppm" | tr -d '\0'
}

# How many pixels in a hundred have the color $2 (rrggbb), of each tenth pixel.
dump_share()
{
    tail -n +4 "$vm_dir/$1.ppm" | od -An -v -tx1 -w30 | awk -v want="$2" '
        { n++; hit += $1 $2 $3 == want }
        END { print n ? int(hit * 100 / n) : 0 }'
}

# How many colors there are, of each tenth pixel.
dump_colors()
{
    tail -n +4 "$vm_dir/$1.ppm" | od -An -v -tx1 -w30 |
        awk '!seen[$1 $2 $3]++ { n++ } END { print n + 0 }'
}

# Line $2 of a picture, as "rrggbb ...".
dump_line()
{
    gl_width=$(dump_size "$1" | cut -d ' ' -f 1)
    tail -n +4 "$vm_dir/$1.ppm" | tail -c +$((gl_width * 3 * $2 + 1)) |
        head -c $((gl_width * 3)) | od -An -v -tx1 -w3 | tr -d ' '
}

# A virtual X server, in $DISPLAY; its screen is a file in $x_dir.  Skips all without one.
x_start()
{
    if ! command -v Xvfb > /dev/null || ! command -v xdotool > /dev/null; then
        skip_all "no Xvfb or no xdotool (packages xvfb, xdotool)"
    fi
    x_dir=$(mktemp -d)
    for x_number in 81 82 83 84 85 86; do
        [ ! -e /tmp/.X11-unix/X$x_number ] || continue
        Xvfb :$x_number -screen 0 1024x768x24 -noreset -fbdir "$x_dir" > /dev/null 2>&1 &
        x_server=$!
        break
    done
    DISPLAY=:$x_number
    export DISPLAY
    trap 'vm_stop; kill $x_server; rm -rf "$vm_dir" "$x_dir"' EXIT
    x_ticks=100
    until xdotool getdisplaygeometry > /dev/null 2>&1; do
        x_ticks=$((x_ticks - 1))
        [ $x_ticks -gt 0 ] || skip_all "the X server does not start"
        sleep 0.1
    done
}

# Finds the window by its title; then $window is its number.
x_window()
{
    x_ticks=150
    until xdotool search --name "$1" > "$vm_dir/window" 2> /dev/null &&
        [ -s "$vm_dir/window" ]; do
        x_ticks=$((x_ticks - 1))
        [ $x_ticks -gt 0 ] || return 1
        sleep 0.2
    done
    window=$(head -n 1 "$vm_dir/window")
}

# The window gets this size, as "640x480".
x_sized()
{
    x_ticks=150
    until xdotool getwindowgeometry "$window" 2> /dev/null | grep -q "$1"; do
        x_ticks=$((x_ticks - 1))
        [ $x_ticks -gt 0 ] || return 1
        sleep 0.2
    done
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

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by tests of displays, after tests/lib/tap.sh and scripts/vm.sh, from the top
# folder: a Debian guest with Mesa (scripts/guest-gl) on the software CPU; pictures of
# its screen.
#
# The guest's console is in $vm_dir/serial, the monitor on the machine's own input.

# shellcheck source=tests/lib/window.sh
. tests/lib/window.sh

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
        'sleep 99999 | kmscube -c '"$1"' > /tmp/p 2> /dev/ttyS0 & pid=$!; was=x; now=0; ' \
        'until [ 0$now -gt 0 ] && [ $was = $now ]; do was=$now; sleep 2; ' \
        'now=$(grep wchar /proc/$pid/io | tr -dc 0-9); done; ' \
        'echo gl: runs > /dev/ttyS0; dd if=/dev/zero of=/tmp/p bs=4096; sleep 99999'
}

does_not_change()
{
    dump "$1" "$2" && sleep 1 && dump "$1-later" "$2" &&
        cmp -s "$vm_dir/$1.ppm" "$vm_dir/$1-later.ppm"
}

# still NAME BYTES CONDITION: the picture no longer changes, and CONDITION holds for it: it
# is in $vm_dir/NAME.ppm.  (A guest that has not begun shows the same all the time, too.)
still()
{
    within 240 is_still "$@"
}

is_still()
{
    does_not_change "$1" "$2" && "$3" "$1"
}

# The guest's console says it, within the time limit or $2 seconds.
guest_says()
{
    if ! within "${2:-$vm_patience}" grep -aEqs "$1" "$vm_dir/serial"; then
        tail -n 12 "$vm_dir/serial" | sed 's/^/# /'
        vm_tail | sed 's/^/# /'
        vm_patience=2
        return 1
    fi
}

has_bytes()
{
    [ -s "$1" ] && [ "$(wc -c < "$1")" -ge "$2" ]
}

# A PPM in $vm_dir/$1.ppm; it is complete when the next command's answer has come.
dump()
{
    rm -f "$vm_dir/$1.ppm"
    vm_send "screendump $vm_dir/$1.ppm"
    vm_send "info version"
    within 20 has_bytes "$vm_dir/$1.ppm" "${2:-1}"
}

# The guest's command that tells of all its input devices' events; of what it says since
# `mark`: has_come ERE, how often (count ERE), and that it comes (arrives ERE).
# shellcheck disable=SC2016,SC2034  # $i is the guest's; the tests use it
gl_evtest='for i in /dev/input/event*; do evtest $i > /dev/ttyS0 & done'
marked=0

mark()
{
    marked=$(wc -c < "$vm_dir/serial")
}

has_come()
{
    tail -c +$((marked + 1)) "$vm_dir/serial" | grep -aEq "$1"
}

count()
{
    tail -c +$((marked + 1)) "$vm_dir/serial" | grep -aEc "$1"
}

arrives()
{
    within 20 has_come "$1" || {
        tail -c +$((marked + 1)) "$vm_dir/serial" | tail -n 5 | sed 's/^/# /'
        return 1
    }
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

# fails_saying ERE COMMAND ...: status 1 and one line that matches.
fails_saying()
{
    said=$1
    shift
    status=0
    "$@" > "$vm_dir/said" 2>&1 < /dev/null || status=$?
    if [ $status != 1 ] || [ "$(wc -l < "$vm_dir/said")" != 1 ] ||
        ! grep -Eq "$said" "$vm_dir/said"; then
        sed 's/^/# /' "$vm_dir/said"
        return 1
    fi
}

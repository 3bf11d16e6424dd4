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

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the long tests of snapshots, after tests/lib/boot.sh: Debian with systemd
# (scripts/disk), which computes chains of checksums and keeps them on a disk of its own,
# and what must come out, which the host computes.
#
#   work_machine DATA OPTION ...  start it; DATA becomes the disk
#   work_log_in                   to root's prompt, the disk mounted
#   work_send STEPS NAME ...      begin: one chain of so many steps for each name; a chain
#                                 says every 10 steps how far it is ("work NAME at 20")
#   work_kept                     before a machine is left: what it has said so far counts
#   work_is_over                  has it said so?
#   work_is_right STEPS NAME ...  all have ended, with the right results, which the disk
#                                 has, too; its file system is clean

debian=$(scripts/disk --path)
work_root='root=/dev/vda3 rw console=ttyS0 net.ifnames=0'

need_debian()
{
    [ -f "$debian/disk.img" ] || skip_all "no Debian disk (made by: scripts/disk)"
}

work_machine()
{
    truncate -s 0 "$1"
    truncate -s 64M "$1"
    mke2fs -q -t ext4 "$1"
    work_data=$1
    shift
    vm_start -machine q35 -nodefaults -display none -serial stdio \
        -drive "file=$debian/disk.img,format=raw,if=virtio,snapshot=on" \
        -drive "file=$work_data,format=raw,if=virtio,snapshot=on" \
        -kernel "$debian/vmlinuz" -initrd "$debian/initrd" -append "$work_root" "$@"
}

# What a guest types, in bash: one step is a process, a pipe and a file on the disk.
work_define()
{
    # shellcheck disable=SC2016  # the guest's
    echo 'work() { h=$1; i=0; while [ $i -lt $2 ]; do h=$(echo $h $i | sha256sum); h=${h%% *}; i=$((i + 1));' \
        'echo $h > /mnt/$1.$((i % 50)); [ $((i % 10)) -gt 0 ] || echo work $1 at $i; done;' \
        'sync; echo 3 > /proc/sys/vm/drop_caches; echo work $1 result $(cat /mnt/$1.$(($2 % 50))); }'
}

work_log_in()
{
    vm_expect 'debian login:' && vm_send root && vm_expect 'root@debian:~#' &&
        vm_send "mount /dev/vdb /mnt; $(work_define); echo work is \"known\"" &&
        vm_expect '^work is known'
}

work_send()
{
    work_steps=$1
    shift
    : > "$work_data.log"
    words=
    for name; do
        words="$words work $name $work_steps &"
    done
    # What is on its way to the guest when it is saved is not the machine's yet.
    vm_send "echo work is \"begun\"; $words wait; umount /mnt; e2fsck -fn /dev/vdb && echo disk is \"clean\"; echo work is \"over\""
    vm_expect 'work is begun'
}

# What the chain of name $1 with $2 steps ends with.
work_result()
{
    h=$1
    i=0
    while [ $i -lt "$2" ]; do
        h=$(echo "$h $i" | sha256sum)
        h=${h%% *}
        i=$((i + 1))
    done
    echo "$h"
}

work_kept()
{
    vm_read_log
    # shellcheck disable=SC2154  # scripts/vm.sh sets it
    cat "$vm_log" >> "$work_data.log"
}

work_is_over()
{
    grep -aq '^work is over' "$work_data.log"
}

work_is_right()
{
    steps=$1
    shift
    if ! work_is_over; then
        vm_expect '^work is over' || { vm_tail | sed 's/^/# /' && return 1; }
        work_kept
    fi
    for name; do
        grep -aq "^work $name result $(work_result "$name" "$steps")" "$work_data.log" || {
            echo "# $name: another result"
            grep -a "^work $name result" "$work_data.log" | sed 's/^/# /'
            return 1
        }
    done
    grep -aq '^disk is clean' "$work_data.log" || { vm_tail | sed 's/^/# /' && return 1; }
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's cloud kernel saved when a text appears on its console, and gone on with from
# there, more than once: with 1 and 4 vCPUs, translated and interpreted, under changed
# options; what is refused; what a reset does.
#
# limit: 900 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

# A guest that does what it is told, line by line.
obey='set -f; echo to be saved; while read -r x; do eval $x; done'

# save NAME OPTION ...: up to the text, and no further.
save()
{
    name=$1
    shift
    boot cloud "quiet mayfly.run=\"$obey\"" -snapshot-when "to be saved,to=$dir/$name,exit=on" "$@"
    check "$name: is saved when the text appears, and the machine ends" ends_with 0
    check "$name: holds guest memory in a sparse file" is_sparse "$dir/$name/ram"
}

is_sparse()
{
    [ "$(stat -c %s "$1")" = $((512 * 1024 * 1024)) ] && [ "$(stat -c %b "$1")" -lt 600000 ]
}

# restore NAME OPTION ...
restore()
{
    name=$1
    shift
    # shellcheck disable=SC2086
    vm_start -loadvm "$dir/$name" "$@"
}

# It computes, its clocks go on from where they were, and its log is clean.
goes_on()
{
    vm_send 'echo answer $((6 * 7))'
    check "$1: answers" says '^answer 42'
    vm_send 'read -r up x < /proc/uptime; sleep 1; read -r to x < /proc/uptime; echo uptime ${up%.*} ${to%.*}'
    check "$1: a second passes" says '^uptime [0-9]'
    check "$1: its clock went on from the moment of the save" uptime_is_right
    vm_send 'dmesg | grep -E "sta[l]l|locku[p]|unstabl[e]|ske[w]"; echo log read'
    check "$1: reads its log" says '^log read'
    check "$1: no lockup, no clock that jumped" never_says 'stall|lockup|unstable|skew'
}

uptime_is_right()
{
    # shellcheck disable=SC2046
    set -- $(sed -n 's/^uptime //p' "$vm_log" | head -n 1)
    [ $(($2 - $1)) -ge 1 ] && [ $(($2 - $1)) -le 5 ] && [ "$2" -lt 120 ]
}

# Libraries that wait until somebody needs them (base/library.h), and those of modules.
maps_no_more()
{
    ! grep -E 'lib(json|gobject|gio|edit|tinfo|Zydis|slirp|SDL|virgl)' "/proc/$vm_pid/maps"
}

sums()
{
    (cd "$dir/$1" && cat ./* | cksum)
}

for case in one:-smp:1 four:-smp:4; do
    name=${case%%:*}
    save "$name" -smp "${case##*:}"
    before=$(sums "$name")
    restore "$name"
    goes_on "$name, first run"
    check "$name, first run: no library that it does not need" maps_no_more
    vm_send 'poweroff -f'
    check "$name, first run: power-off ends with status 0" ends_with 0
    restore "$name" -accel soft,jit=off
    goes_on "$name, interpreted"
    vm_stop
    check "$name: its bytes are unchanged" [ "$before" = "$(sums "$name")" ]
done

# Saved from a run of itself, and moved.
restore four -snapshot-when "save me again,to=$dir/again,all=on,exit=on"
vm_send 'y=kept; echo save me "again"'
check "saved a second time" ends_with 0
mv "$dir/again" "$dir/moved"
rm -rf "$dir/four"
restore moved
vm_send 'echo variable $y'
check "a snapshot of a run of a snapshot, moved: what it held" says '^variable kept'
goes_on "moved"
vm_send 'reboot -f'
check "moved: a reset boots the same kernel again" says_times '^mayfly-guest: ready' 1
vm_stop

# A disk that was written, a network: what lies in the base image and what was written
# over it; new connections through a forwarded port; the machine's generation.
head -c 8000000 /dev/urandom > "$dir/base"
sum_base=$(md5sum < "$dir/base" | cut -d " " -f 1)
ports_free
boot cloud "quiet mayfly.net=dhcp mayfly.run=\"head -c 200000 /bin/busybox | dd of=/dev/vda bs=1000 seek=3000 conv=notrunc; md5sum < /dev/vda > /tmp/f; httpd -p 80 -h /tmp; $obey\"" \
    -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" \
    -nic "user,hostfwd=tcp:127.0.0.1:$port-:80" -snapshot-when "to be saved,to=$dir/disk,exit=on"
check "disk: saved" ends_with 0

fetch()
{
    timeout 60 "$guests/busybox" wget -q -O "$dir/page" "http://127.0.0.1:$port/f"
}

restore disk
vm_send 'echo 3 > /proc/sys/vm/drop_caches; md5sum < /dev/vda > /tmp/g; cmp /tmp/f /tmp/g && echo disk "is the same"'
check "disk: reads what was written before" says '^disk is the same'
vm_send 'echo events $(tr -s " " < /sys/firmware/acpi/interrupts/gpe05)'
check "disk: the guest is told that its generation is another" says '^events +1 '
check "disk: a forwarded port takes new connections" fetch
vm_send 'head -c 5000 /dev/zero | dd of=/dev/vda bs=100 seek=7 conv=notrunc; sync; md5sum < /dev/vda > /tmp/f; echo save me "too"'
check "disk: it can be written" says '^save me too'
vm_stop
restore disk -snapshot-when "save me too,to=$dir/disk2,all=on,exit=on"
vm_send 'head -c 5000 /dev/zero | dd of=/dev/vda bs=100 seek=7 conv=notrunc; sync; md5sum < /dev/vda > /tmp/f; echo save me "too"'
check "disk: saved again, with more written" ends_with 0
rm -rf "$dir/disk"
restore disk2
vm_send 'echo 3 > /proc/sys/vm/drop_caches; md5sum < /dev/vda > /tmp/g; cmp /tmp/f /tmp/g && echo disk "is the same"'
check "disk: the second one has all of it" says '^disk is the same'
vm_stop
check "disk: the base image is as it was" [ "$sum_base" = "$(md5sum < "$dir/base" | cut -d " " -f 1)" ]

# Killed at some moment while it saves: there is a whole snapshot, or none.
is_whole_or_none()
{
    [ -e "$1" ] || return 0
    vm_start -loadvm "$1"
    vm_send 'echo whole "enough"'
    says '^whole enough' && vm_stop
}

for pause in 0 0.03 0.06 0.1 0.15 0.25; do
    restore one -snapshot-when "save it now,to=$dir/killed,all=on"
    vm_send 'echo save it "now"'
    vm_expect '^save it now' && sleep $pause
    vm_signal KILL
    vm_wait 10
    check "killed $pause s after it began to save: whole or none" is_whole_or_none "$dir/killed"
    rm -rf "$dir/killed" "$dir"/killed.new.*
done
restore one
vm_send 'echo answer $((40 + 2))'
check "the snapshot that those ran from is as it was" says '^answer 42'
vm_stop

# A full disk.
mkdir "$dir/small"
if mount -t tmpfs -o size=6m small "$dir/small" 2> /dev/null; then
    restore one -snapshot-when "save it now,to=$dir/small/x,all=on,exit=on"
    vm_send 'echo save it "now"'
    check "a full disk: status 1" ends_with 1
    check "a full disk: is told" grep -q 'No space left on device' "$vm_errors"
    check "a full disk: nothing is left behind" [ -z "$(ls "$dir/small")" ]
    restore one -snapshot-when "save it now,to=$dir/small/x,all=on"
    vm_send 'echo save it "now"'
    vm_expect '^save it now'
    tries=0
    until grep -q 'No space left on device' "$vm_errors" || [ $tries = 60 ]; do
        tries=$((tries + 1))
        sleep 1
    done
    check "a full disk, behind the machine's back: is told" grep -q 'No space left on device' "$vm_errors"
    check "a full disk, behind its back: nothing is left behind" [ -z "$(ls "$dir/small")" ]
    vm_send 'echo answer $((40 + 2))'
    check "a full disk, behind its back: the machine goes on" says '^answer 42'
    vm_stop
    umount "$dir/small"
else
    skip "a full disk" "no tmpfs can be mounted here"
fi

# What can't be.
damaged()
{
    rm -rf "$dir/bad"
    cp -r --sparse=always "$dir/one" "$dir/bad"
}

check "another size of RAM is refused by name" refused '-m 1G' -loadvm "$dir/one" -m 1G
check "a device more is refused by name" refused 'virtio-net-pci' -loadvm "$dir/one" -device virtio-net-pci
check "a disk is refused by name" refused '-drive' -loadvm "$dir/one" -drive file=x
check "no snapshot there" refused 'No such file' -loadvm "$dir/none"
damaged
printf x | dd of="$dir/bad/state" bs=1 seek=5000 conv=notrunc 2> /dev/null
check "a changed byte in the state is refused" refused 'state: the checksum is wrong' -loadvm "$dir/bad"
damaged
truncate -s 9000 "$dir/bad/state"
check "a state cut short is refused" refused 'state: ' -loadvm "$dir/bad"
damaged
truncate -s 100M "$dir/bad/ram"
check "memory cut short is refused" refused 'ram: the file is shorter' -loadvm "$dir/bad"
damaged
rm "$dir/bad/ram"
check "missing memory is refused" refused 'ram: No such file' -loadvm "$dir/bad"
touch "$dir/base"
check "a base image that has changed is refused" refused 'base has changed since' -loadvm "$dir/disk2"
damaged
printf '\011' | dd of="$dir/bad/state" bs=1 seek=8 conv=notrunc 2> /dev/null
check "a newer format is refused" refused 'format 9; this version' -loadvm "$dir/bad"
finish

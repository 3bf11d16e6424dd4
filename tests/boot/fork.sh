#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The monitor's fork: the machine goes on, and others begin where it was, each with its
# own memory, disk, serial port and forwarded port.
#
# limit: 300 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
command -v python3 > /dev/null || skip_all "no python3, which speaks to sockets here"
dir=$(mktemp -d)
children=
trap 'for pid in $children; do kill "$pid" 2> /dev/null; done; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

obey='set -f; echo to be saved; while read -r x; do eval $x; done'
truncate -s 8M "$dir/base"

# talk SOCKET LINE ERE: type the line, and print what comes until it matches.
talk()
{
    timeout 25 python3 -c '
import re, socket, sys, time
for attempt in range(300):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(sys.argv[1])
        break
    except OSError:
        time.sleep(0.1)
s.sendall(sys.argv[2].encode() + b"\n")
text = ""
while not re.search(sys.argv[3], text, re.M):
    more = s.recv(4096).decode(errors="replace").replace("\r", "")
    if not more:
        sys.exit(1)
    text += more
print(text)
' "$@"
}

asked()
{
    talk "$1" "$2" "$3" > "$dir/out" || { sed 's/^/# /' "$dir/out" "${1%/*}/log" && return 1; }
}

boot cloud "quiet mayfly.net=dhcp mayfly.run=\"$obey\"" -smp 2 -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" \
    -nic user,hostfwd=tcp:127.0.0.1:0-:80 -monitor "unix:$dir/monitor,server=on,wait=off"
check "boots" says '^to be saved'
vm_send 'y=before; echo 1234 | dd of=/dev/vda conv=notrunc; sync; echo is "written"'
check "writes" says '^is written'
check "two are forked" asked "$dir/monitor" "fork 2 $dir/f" '^child 2:.*[0-9]|Error'
sed 's/^/# /' "$dir/out" | grep 'stood'
children=$(sed -n 's/^child [0-9]*: process \([0-9]*\),.*/\1/p' "$dir/out")
check "two processes" [ "$(echo "$children" | wc -w)" = 2 ]
vm_send 'y=after; echo 5678 | dd of=/dev/vda conv=notrunc; sync; echo went "on"'
check "the machine goes on" says '^went on'

for i in 1 2; do
    check "child $i has the variable of that moment" asked "$dir/f.$i/serial0" 'echo it has $y "now"; y=child' '^it has before now'
    check "child $i has the disk of that moment" asked "$dir/f.$i/serial0" 'echo 3 > /proc/sys/vm/drop_caches; echo disk $(head -c 4 /dev/vda)' '^disk 1234'
    check "child $i writes its own" asked "$dir/f.$i/serial0" 'echo 90'$i'0 | dd of=/dev/vda conv=notrunc; sync; echo disk $(head -c 4 /dev/vda)' "^disk 90${i}0"
    check "child $i has a forwarded port" asked "$dir/f.$i/monitor" 'info usernet' 'HOST_FORWARD'
done
vm_send 'echo 3 > /proc/sys/vm/drop_caches; echo it has $y, $(head -c 4 /dev/vda)'
check "the machine has its own" says '^it has after, 5678'
for i in 1 2; do
    check "child $i has a monitor" asked "$dir/f.$i/monitor" 'info status' 'running'
done
check "a later fork, of one" asked "$dir/monitor" "fork 1 $dir/g" '^child 1:.*[0-9]|Error'
children="$children $(sed -n 's/^child [0-9]*: process \([0-9]*\),.*/\1/p' "$dir/out")"
check "its child has what was then" asked "$dir/g.1/serial0" 'echo it has $y "now"' '^it has after now'
check "the base image was never written" cmp -n 8388608 "$dir/base" /dev/zero
check "zero children are refused" asked "$dir/monitor" "fork 0 $dir/h" 'Error: fork needs a number'
for pid in $children; do
    kill "$pid"
done
vm_stop
boot cloud quiet -drive "file=$dir/base,format=raw,if=virtio" -monitor "unix:$dir/monitor2,server=on,wait=off" -S
check "a disk that is written directly is refused" asked "$dir/monitor2" "fork 1 $dir/h" 'Error: disk .* is written directly'
vm_stop
finish

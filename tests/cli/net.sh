#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Network cards and back ends as options make them, seen in the monitor, without a guest:
# defaults, -nic, -net, addresses; a stream that comes, goes and comes again.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh

dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill $server; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

begin()
{
    vm_start -accel soft -S -serial none "$@"
}

# Says "info network" until what it shows matches $1.
shows()
{
    n=0
    while [ $n -lt 120 ]; do
        vm_send "info network"
        vm_send "info status"
        sleep 0.25
        vm_read_log
        # What came after the last question.
        awk '/info network/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' \
            "$vm_log" > "$dir/shown"
        ! grep -Eq "$1" "$dir/shown" || return 0
        n=$((n + 1))
    done
    sed 's/^/# /' "$dir/shown"
    return 1
}

lacks()
{
    ! grep -Eq "$1" "$dir/shown"
}

ends()
{
    vm_send quit
    vm_wait 30 && [ "$vm_status" = 0 ]
}

first='virtio-net-pci.0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56'
user='index=0,type=user,net=10.0.2.0,restrict=off'

# The console is the monitor's second: Ctrl-A c.
vm_start -accel soft -S -nographic
vm_type '\001c'
check "-nographic: a card on a user network, unasked" shows "$first"
check "-nographic: its back end" shows "__net0: $user"
check "-nographic: quit" ends

begin -display none -monitor stdio -nodefaults
check "-nodefaults: the monitor answers" shows '^VM status: paused'
check "-nodefaults: none at all" lacks 'type='
check "-nodefaults: quit" ends

begin -display none -monitor stdio -nic user,id=a -nic user,mac=52:54:00:12:34:57 \
    -nic user,model=virtio,hostname=x
check "-nic: the first" shows "$first"
check "-nic: an address that was given" shows 'pci.1: .*macaddr=52:54:00:12:34:57'
check "-nic: the next goes around it" shows 'pci.2: .*macaddr=52:54:00:12:34:58'
check "-nic: ids, given and made" shows "a: $user"
check "-nic: and the third's" shows "__net2: $user"
check "-nic: quit" ends

begin -display none -monitor stdio -net nic -net user
check "-net: a card and its back end" shows "__hub0: $user"
check "-net: quit" ends

begin -display none -monitor stdio -net none
check "-net none: the monitor answers" shows '^VM status: paused'
check "-net none: no card" lacks 'type='
check "-net none: quit" ends

begin -display none -monitor stdio -nic user -nic none
check "-nic none beside others" shows "$first"
check "-nic none: quit" ends

# A server that comes late, goes, and comes again.
serve()
{
    "$MAYFLY" -accel soft -S -nodefaults -display none -netdev \
        "stream,id=s,server=on,addr.type=unix,addr.path=$dir/wire" &
    server=$!
}

unserve()
{
    kill $server
    wait $server
    server=
}

begin -display none -monitor stdio -nodefaults \
    -netdev "stream,id=n,reconnect=1,addr.type=unix,addr.path=$dir/wire" \
    -device virtio-net-pci,netdev=n
check "reconnect: nobody is there" shows 'n: .*,disconnected'
serve
check "reconnect: the server came" shows "n: .*wire\$"
unserve
check "reconnect: it went" shows 'n: .*,disconnected'
serve
check "reconnect: it came again" shows "n: .*wire\$"
check "reconnect: quit" ends
unserve
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's cloud kernel on a network: the user network with DHCP, names and forwarded
# ports; two machines joined by a socket; passt as back end.  Files go each way and are
# compared by checksum.
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
[ -x "$guests/busybox" ] || skip_all "no busybox (made by: scripts/guest cloud)"
dir=$(mktemp -d)
server=
other=
trap 'kill $server $other 2> /dev/null; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
mkdir "$dir/www"
head -c 8000000 /dev/urandom > "$dir/www/blob"
sum=$(md5sum < "$dir/www/blob" | cut -d " " -f 1)

# A server on this host; the port is in $port.
ports_free
"$guests/busybox" httpd -f -p "127.0.0.1:$port" -h "$dir/www" &
server=$!
ports_listen "$port"

told_sum()
{
    says '^sum: ' && [ "$(sed -n 's/^sum: \([0-9a-f]*\) .*/\1/p' "$vm_log" | head -n 1)" = "$sum" ]
}

# What the guest serves, through forwarded port $1.
fetched_sum()
{
    "$guests/busybox" timeout 120 wget -q -O "$dir/back" "http://127.0.0.1:$1/blob" &&
        [ "$(md5sum < "$dir/back" | cut -d " " -f 1)" = "$sum" ]
}

# Fetch from $1, say the sum, serve it, wait.
fetch_and_serve="cd /tmp; wget -q -O blob http://%s/blob; echo sum: \$(md5sum < blob); httpd -p 80 -h /tmp; echo serving; sleep 600"

words()
{
    # shellcheck disable=SC2059
    printf "quiet mayfly.net=$1 mayfly.run=\"$fetch_and_serve\"" "$2"
}

# The user network.
forwarded=$((port + 1))
boot cloud "$(words dhcp "10.0.2.2:$port")" \
    -nic "user,hostname=guest7,hostfwd=tcp:127.0.0.1:$forwarded-:80"
check "user: a lease with router, name service and name" says \
    'lease 10.0.2.15 from 10.0.2.2, router 10.0.2.2, dns 10.0.2.3, name guest7'
check "user: a file from a server on the host" told_sum
check "user: the guest serves" says '^serving'
check "user: the same file back through a forwarded port" fetched_sum $forwarded
vm_signal TERM
check "user: SIGTERM ends it with status 0" ends_with 0
check "user: the kernel log is clean" never_says "$trouble"

boot cloud 'quiet mayfly.net=dhcp mayfly.run="timeout 5 wget -q -O - http://10.0.2.2:'$port'/blob | wc -c; nc -w 5 10.0.2.100 77 < /dev/null"' \
    -nic "user,restrict=on,guestfwd=tcp:10.0.2.100:77-cmd:echo it is forwarded"
check "user, restrict=on: guestfwd still works" says '^it is forwarded'
check "user, restrict=on: the host can't be reached" grep -q '^0$' "$vm_log"
vm_stop

# A port in use, a machine that is refused.
taken()
{
    "$MAYFLY" -accel "$accel" -display none -nodefaults \
        -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$port-:22" 2> "$dir/errors"
    [ $? = 1 ] && grep -q \
        "Could not set up host forwarding rule 'tcp:127.0.0.1:$port-:22'" "$dir/errors"
}

check "user: a port in use is named" taken

# Two machines joined by a socket, and what passed between them.
"$MAYFLY" -accel "$accel" -m 256M -nodefaults -display none -serial "file:$dir/other" \
    -netdev "stream,id=n,server=on,addr.type=unix,addr.path=$dir/wire" \
    -device virtio-net-pci,netdev=n,mac=52:54:00:00:00:07 \
    -kernel "$guests/cloud/vmlinuz" -initrd "$guests/cloud/initrd" -append \
    'console=ttyS0 quiet mayfly.net=192.168.7.1 mayfly.run="httpd -p 80 -h /bin; sleep 600"' &
other=$!
until [ -S "$dir/wire" ]; do sleep 0.1; done
boot cloud 'quiet mayfly.net=192.168.7.2 mayfly.run="until timeout 20 wget -q -O /tmp/b http://192.168.7.1/busybox; do sleep 1; done; cmp /tmp/b /bin/busybox && echo they are equal"' \
    -netdev "stream,id=n,addr.type=unix,addr.path=$dir/wire" \
    -device virtio-net-pci,netdev=n -object "filter-dump,id=d,netdev=n,file=$dir/pcap"
check "stream: a file from one machine to the other" says '^they are equal'
check "stream: power-off ends with status 0" ends_with 0
check "filter-dump: a pcap file" \
    [ "$(od -An -t x4 -N 4 "$dir/pcap" | tr -d ' ')" = a1b2c3d4 ]
if command -v tshark > /dev/null; then
    check "filter-dump: tshark finds the request in it" sh -c \
        "tshark -r '$dir/pcap' -Y http.request 2> /dev/null | grep -q 'GET /busybox'"
else
    skip "filter-dump: tshark" "tshark is not installed"
fi
kill $other
wait $other
check "stream: the other machine ends with status 0" [ $? = 0 ]
other=

# passt.
gateway=$(ip route 2> /dev/null | sed -n 's/^default via \([0-9.]*\).*/\1/p' | head -n 1)
if command -v passt > /dev/null && [ -n "$gateway" ]; then
    chmod 755 "$dir" && mkdir "$dir/passt" && chmod 777 "$dir/passt"
    passt -f -q -4 -s "$dir/passt/s" > "$dir/passt.log" 2>&1 &
    other=$!
    n=0
    until [ -S "$dir/passt/s" ] || [ $n = 50 ]; do sleep 0.1; n=$((n + 1)); done
    boot cloud "$(words dhcp "$gateway:$port")" \
        -netdev "stream,id=n,addr.type=unix,addr.path=$dir/passt/s" \
        -device virtio-net-pci,netdev=n
    check "passt: a lease" says '^mayfly-guest: lease [0-9]'
    check "passt: a file from a server on the host" told_sum
    vm_stop
else
    skip "passt" "passt is not installed, or this host has no default route"
fi
finish

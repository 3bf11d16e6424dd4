#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The user network's other services: tftp, IPv6, forwarded UDP, guestfwd to a server; and
# TCP at full speed both ways, each byte checked, beside connections whose other ends have
# stopped reading.  MAYFLY_LONG=N sends N times 64 MiB.
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
talker=
stalled=
trap 'kill $server $talker $stalled 2> /dev/null; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
mkdir "$dir/www"
${CC:-cc} -O2 -static -o "$dir/www/net-guest" tests/boot/net-guest.c 2> /dev/null ||
    skip_all "no compiler that links statically"
head -c 300000 /dev/urandom > "$dir/www/blob"
sum=$(md5sum < "$dir/www/blob" | cut -d " " -f 1)
mib=$((64 * ${MAYFLY_LONG:-1}))

ports_free
six=
if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2> /dev/null; then
    six="[::1]:$port"
fi
"$guests/busybox" httpd -f -p "${six:-127.0.0.1:$port}" -h "$dir/www" &
server=$!
"$dir/www/net-guest" serve $((port + 1)) > /dev/null &
talker=$!
# Listens, and never reads.
"$guests/busybox" nc -l -p $((port + 5)) -e sleep 900 &
stalled=$!

# Given to the guest by tftp, and the guest's first proof that tftp works.
cat > "$dir/www/script" << END
cd /tmp
tftp -g -r net-guest -l net-guest 10.0.2.2; chmod 755 net-guest
echo "tftp: \$(md5sum < net-guest)"
tftp -g -r ../secret -l secret 10.0.2.2 2> /dev/null; echo "outside: \$(cat secret 2> /dev/null)"
./net-guest udp-echo 77 &
./net-guest serve 78 &
nc -l -p 80 -e sleep 900 &
nc 10.0.2.2 $((port + 5)) < /dev/zero & stalled=\$!
until ifconfig eth0 | grep -q 'fec0:'; do sleep 1; done
echo "six: \$(wget -q -O - 'http://[fec0::2]:$port/blob' | md5sum)"
echo "guestfwd: \$(wget -q -O - http://10.0.2.100:79/blob | md5sum)"
./net-guest send 10.0.2.2 $((port + 1)) $mib
./net-guest receive 10.0.2.2 $((port + 1)) $mib
kill -0 \$stalled && echo it still waits
echo script done
sleep 600
END
echo "nobody may read this" > "$dir/secret"
target="tcp:127.0.0.1:$port"
[ -z "$six" ] || target="tcp:127.0.0.1:$((port + 4))"
if [ -n "$six" ]; then
    "$guests/busybox" httpd -f -p "127.0.0.1:$((port + 4))" -h "$dir/www" &
    server="$server $!"
    ports_listen $((port + 4))
fi
ports_listen "$port" $((port + 1)) $((port + 5))

boot cloud 'quiet mayfly.net=dhcp mayfly.run="tftp -g -r script -l /tmp/script 10.0.2.2; . /tmp/script"' \
    -object iothread,id=io -device virtio-net-pci,netdev=n,iothread=io \
    -netdev "user,id=n,tftp=$dir/www,hostfwd=udp:127.0.0.1:$((port + 2))-:77,hostfwd=tcp:127.0.0.1:$((port + 3))-:78,hostfwd=tcp:127.0.0.1:$((port + 6))-:80,guestfwd=tcp:10.0.2.100:79-$target"
check "tftp: a program, whole" says "^tftp: $(md5sum < "$dir/www/net-guest" | cut -d " " -f 1)"
check "tftp: nothing from outside of its folder" says '^outside: $'
check "hostfwd=udp: an answer from the guest" \
    [ "$("$dir/www/net-guest" udp-ask 127.0.0.1 $((port + 2)) 'are you there')" = "are you there" ]
if [ -n "$six" ]; then
    check "IPv6: an address, and a file from the host" says "^six: $sum"
else
    skip "IPv6" "this host has no ::1"
fi
check "guestfwd=tcp: to a server of the host" says "^guestfwd: $sum"
"$guests/busybox" nc 127.0.0.1 $((port + 6)) < /dev/zero &
stalled="$stalled $!"
check "$mib MiB from the guest, all right" says "^sent $mib MiB"
check "$mib MiB to the guest, all right" says "^received $mib MiB"
check "$mib MiB to the guest through a forwarded port" \
    "$dir/www/net-guest" send 127.0.0.1 $((port + 3)) $mib
check "$mib MiB from the guest through a forwarded port" \
    "$dir/www/net-guest" receive 127.0.0.1 $((port + 3)) $mib
# shellcheck disable=SC2086
check "a reader that stopped stalls nobody else, in the guest" kill -0 $stalled
check "a reader that stopped stalls nobody else, on the host" says '^it still waits'
check "it comes to the end" says '^script done'
vm_signal TERM
check "SIGTERM ends it with status 0" ends_with 0
check "the kernel log is clean" never_says "$trouble"
grep -aE '^(sent|received) ' "$vm_log" | sed 's/^/# the guest: /'
finish

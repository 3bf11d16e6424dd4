#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tap device with two pairs of queues, in a network namespace of its own: a file from
# the host and one back, in long segments.
#
# limit: 600 seconds

# shellcheck source=tests/lib/netns.sh
. tests/lib/netns.sh
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
[ -x "$guests/busybox" ] || skip_all "no busybox (made by: scripts/guest cloud)"
command -v ip > /dev/null || skip_all "no program 'ip'"
dir=$(mktemp -d)
server=
trap 'kill $server 2> /dev/null; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
mkdir "$dir/www"
head -c 16000000 /dev/urandom > "$dir/www/blob"
sum=$(md5sum < "$dir/www/blob" | cut -d " " -f 1)
cat > "$dir/up" << 'END'
#!/bin/sh
ip link set lo up
ip address add 192.168.9.1/24 dev "$1"
ip link set "$1" up
END
chmod 755 "$dir/up"

boot cloud "quiet mayfly.net=192.168.9.2 mayfly.run=\"cd /tmp; until wget -q -O blob http://192.168.9.1/blob; do sleep 1; done; echo sum: \$(md5sum < blob); ifconfig eth0 | sed -n s/.*RX.packets:/packets:/p; httpd -p 80 -h /tmp; echo serving; sleep 600\"" \
    -smp 2 -netdev "tap,id=n,ifname=tap-test,script=$dir/up,queues=2" \
    -device virtio-net-pci,netdev=n,mq=on
n=0
until ip link show tap-test 2> /dev/null | grep -q ,UP || [ $n = 100 ]; do
    sleep 0.1
    n=$((n + 1))
done
"$guests/busybox" httpd -f -p 80 -h "$dir/www" &
server=$!
ports_listen 80

told_sum()
{
    says '^serving' &&
        [ "$(sed -n 's/^sum: \([0-9a-f]*\) .*/\1/p' "$vm_log" | head -n 1)" = "$sum" ]
}

# 16 MB in frames of 1500 bytes would be 11000 packets.
few_packets()
{
    packets=$(sed -n 's/^packets:\([0-9]*\) .*/\1/p' "$vm_log")
    [ "${packets:-99999}" -lt 4000 ] || { echo "# $packets packets" && return 1; }
}

fetched_sum()
{
    "$guests/busybox" timeout 120 wget -q -O "$dir/back" http://192.168.9.2/blob &&
        [ "$(md5sum < "$dir/back" | cut -d " " -f 1)" = "$sum" ]
}

check "a file from the host" told_sum
check "it came in long segments" few_packets
check "the same file back" fetched_sum
vm_signal TERM
check "SIGTERM ends it with status 0" ends_with 0
check "the interface is gone" sh -c '! ip link show tap-test 2> /dev/null'
check "the kernel log is clean" never_says "$trouble"

# fd=: somebody else has made the interface.
cat > "$dir/open" << 'END'
import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
# TUNSETIFF: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"tap-fd", 0x5002))
os.dup2(fd, 9)
os.execvp(sys.argv[1], sys.argv[1:])
END
if command -v python3 > /dev/null; then
    kill $server
    MAYFLY="python3 $dir/open $MAYFLY"
    boot cloud "quiet mayfly.net=192.168.9.2 mayfly.run=\"cd /tmp; until wget -q -O blob http://192.168.9.1/blob; do sleep 1; done; echo sum: \$(md5sum < blob); echo serving\"" \
        -netdev tap,id=n,fd=9 -object iothread,id=io \
        -device virtio-net-pci,netdev=n,iothread=io
    n=0
    until "$dir/up" tap-fd 2> /dev/null || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done
    "$guests/busybox" httpd -f -p 80 -h "$dir/www" &
    server=$!
    ports_listen 80
    check "fd=, an I/O thread: a file from the host" told_sum
    check "fd=: power-off ends with status 0" ends_with 0
else
    skip "fd=" "no python3 to open the interface"
fi
finish

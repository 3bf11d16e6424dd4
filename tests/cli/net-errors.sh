#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said of mistakes in networks and channels: one line, status 1.  And the forms of
# -netdev that all mean the same.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

# wrong TEXT OPTION ...: exactly this line.
wrong()
{
    text=$1
    shift
    guest "$@"
    check "$text" says_error "$text"
    [ "$status" = 1 ] || check "$text: status" ended 1
}

kind="(-netdev help lists them)"
wrong "-netdev foo,id=n: 'foo' is not a kind of network back end $kind" -netdev foo,id=n
wrong "-netdev id=n: the kind of back end is missing $kind" -netdev id=n
wrong "-netdev user: option 'id' is required: name by which devices find it" -netdev user
wrong "-netdev user,id=n: Duplicate ID 'n' for netdev" -netdev user,id=n -netdev user,id=n
wrong "-netdev user,id=1: id '1': an id is a letter, then letters, digits, '-', '.' and '_'" \
    -netdev user,id=1
wrong "-device virtio-net-pci,netdev=n: there is no netdev 'n'" -device virtio-net-pci,netdev=n
wrong "-device virtio-net-pci,netdev=n: netdev 'n' is in use by 'virtio-net-pci.0'" \
    -netdev user,id=n -device virtio-net-pci,netdev=n -device virtio-net-pci,netdev=n
wrong "-device virtio-net-pci,mac=52:54:00:12: mac: '52:54:00:12' is not 6 hex bytes with ':' between them" \
    -device virtio-net-pci,mac=52:54:00:12
wrong "-nic user,mac=01:02:03:04:05:06: mac: the first byte is odd: that is a group's address, not a card's" \
    -nic user,mac=01:02:03:04:05:06
wrong "-nic user,model=e1000: model: there is no network card 'e1000'; there is 'virtio-net-pci'" \
    -nic user,model=e1000
wrong "-device virtio-net-pci,rss=on: rss: 'on' is not off" -device virtio-net-pci,rss=on

# The user network.
for rule in 'foo|No : separators' '|No : separators' 'sctp::1-:2|Bad protocol name' \
    'tcp:1|Missing : separator' 'tcp:9.9.9.999:1-:2|Bad host address' \
    'tcp::1|Bad host port separator' 'tcp::x-:2|Bad host port' \
    'tcp::70000-:2|Bad host port' 'tcp::1-2|Missing guest address' \
    'tcp::1-x:2|Bad guest address' 'tcp::1-:0|Bad guest port'; do
    option=user,id=n,hostfwd=${rule%|*}
    wrong "-netdev $option: Invalid host forwarding rule '${rule%|*}' (${rule#*|})" -netdev "$option"
done
ports_free
rule=tcp:127.0.0.1:$port-:22
wrong "-netdev user,id=n,hostfwd=$rule,hostfwd=$rule: Could not set up host forwarding rule '$rule'" \
    -netdev "user,id=n,hostfwd=$rule,hostfwd=$rule"
option=user,id=n,guestfwd=udp:10.0.2.9:1-cmd:x
wrong "-netdev $option: Invalid guest forwarding rule 'udp:10.0.2.9:1-cmd:x'" -netdev $option
option=user,id=n,net=10.0.2.0/31
wrong "-netdev $option: net: '10.0.2.0/31' is not an IPv4 network, such as 10.0.2.0/24" -netdev $option
option=user,id=n,ipv6-prefix=fd00::,ipv6-prefixlen=127
wrong "-netdev $option: ipv6-prefixlen: '127' is not a number from 1 to 126" -netdev $option
option=user,id=n,tftp=/nonexistent
wrong "-netdev $option: tftp: '/nonexistent' is not a folder" -netdev $option

# Sockets and taps.
option=stream,id=n,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port=99999
wrong "-netdev $option: address tcp:127.0.0.1:99999: Servname not supported for ai_socktype" \
    -netdev $option
option=stream,id=n,addr.type=unix,addr.path=/nonexistent/s
wrong "-netdev $option: cannot connect to unix:/nonexistent/s: No such file or directory" -netdev $option
option=socket,id=n,fd=99
wrong "-netdev $option: fd: '99' is not the number of an open descriptor" -netdev $option
option=socket,id=n
wrong "-netdev $option: exactly one of fd=, listen=, connect=, mcast= or udp= is required" -netdev $option
option=dgram,id=n,remote.type=inet,remote.host=127.0.0.1,remote.port=5001
wrong "-netdev $option: local.type=inet and local.port= are needed where the remote address is no multicast group" \
    -netdev $option
option=tap,id=n,ifname=abcdefghijklmnopqrst
wrong "-netdev $option: ifname: 'abcdefghijklmnopqrst' is not a text of up to 15 bytes" -netdev $option
option=tap,id=n,fd=0,ifname=x
wrong "-netdev $option: ifname=, script= and downscript= are invalid with fd= and fds=" -netdev $option
option=tap,id=n,ifname=x,vhost=on
if [ -e /dev/vhost-net ]; then
    skip "vhost=on without vhost-net" "this host has it"
else
    wrong "-netdev $option: vhost=on: cannot open /dev/vhost-net: No such file or directory" \
        -netdev $option
fi
option=tap,id=n,br=br0
wrong "-netdev $option: br= is for helper=; -netdev bridge has QEMU's" -netdev $option
option=tap,id=n,helper=x,queues=2
wrong "-netdev $option: ifname=, queues=, fd=, fds=, script= and downscript= are invalid with helper=" \
    -netdev $option
option=bridge,id=n,helper=/nonexistent
wrong "-netdev $option: bridge helper '/nonexistent': No such file or directory" -netdev $option
option=user,id=n,smb=/tmp
wrong "-netdev $option: no option 'smb'" -netdev $option
option=filter-dump,id=d,netdev=n,position=id=x,file=$dir/p
wrong "-object $option: position 'id=x': it is head, tail, or id= and a filter of netdev 'n'" \
    -netdev user,id=n -object "$option"
for name in ats iommu_platform page-per-vq; do
    option=virtio-net-pci,$name=on
    wrong "-device $option: $(echo $name | tr _ -): 'on' is not off" -device $option
done
option='{"driver": "virtio-net-pci", "netdev": "n"}'
wrong "-device virtio-net-pci,netdev=n: there is no netdev 'n'" -device "$option"
option=local,id=f,path=/,security_model=none,fmode=0600
wrong "-fsdev $option: fmode is for security_model=mapped-xattr: otherwise the guest's modes are the host's" \
    -fsdev $option
option=filter-dump,id=d,netdev=n,file=/nonexistent/p
wrong "-object $option: cannot write to '/nonexistent/p': No such file or directory" \
    -netdev user,id=n -object $option

# The same three times.  The machine is paused, and its console says quit.
for form in 'user,id=n,hostfwd=%s,hostfwd=%s' 'id=n,hostfwd=%s,hostfwd=%s,type=user' \
    '{"id": "n", "type": "user", "hostfwd": [{"str": "%s"}, {"str": "%s"}]}'; do
    # shellcheck disable=SC2059
    option=$(printf "$form" "tcp:127.0.0.1:$port-:22" "tcp:127.0.0.1:$((port + 1))-:80")
    printf 'info network\ninfo usernet\nquit\n' |
        timeout 20 "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none -S -monitor stdio \
            -netdev "$option" > "$dir/out" 2> "$dir/errors"
    check "$option: there it is" grep -q 'n: index=0,type=user,net=10.0.2.0' "$dir/out"
    check "$option: both ports" [ "$(grep -c 'HOST_FORWARD' "$dir/out")" = 2 ]
done
option='{"type": "user", "id": "n", "foo": true}'
wrong "-netdev $option: no option 'foo'" -netdev "$option"
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# iperf3 from a guest in one network namespace to a server in another: through a tap
# device with two pairs of queues, a bridge and a pair of virtual interfaces.  TCP both
# ways, several streams at once, UDP.  The guest's programs are the host's, over 9p.
# MAYFLY_LONG=N sends N times 32 MiB.
#
# limit: 900 seconds

# shellcheck source=tests/lib/netns.sh
. tests/lib/netns.sh
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest generic
command -v iperf3 > /dev/null || skip_all "no iperf3 (package iperf3)"
mib=$((32 * ${MAYFLY_LONG:-1}))
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
cat > "$dir/up" << 'END'
#!/bin/sh
ip link set "$1" master br0 up
END
chmod 755 "$dir/up"

# The other namespace; when it says "ready" the interface can be moved there.
unshare -n sh -c "echo ready > '$dir/ready'
    until ip link set far up 2> /dev/null; do sleep 0.1; done
    ip address add 192.168.9.1/24 dev far
    exec iperf3 -s" > "$dir/server" 2>&1 &
server=$!
until [ -s "$dir/ready" ]; do sleep 0.1; done
ip link add br0 type bridge 2> /dev/null || skip_all "this kernel has no bridges"
ip link add near type veth peer name far netns $server
ip link set near master br0 up
ip link set br0 up

# How many MiB a run of iperf3 says that the receiver got, or nothing if it failed.
cat > "$dir/script" << END
measure()
{
    echo "begin \$1"
    shift
    iperf3 -f m -c 192.168.9.1 "\$@" | tr -d '[]'
    echo end
}

measure to -n ${mib}M
measure from -n ${mib}M -R
measure streams -n ${mib}M -P 4
measure udp -u -b 40M -l 1400 -n 4M
END
boot generic "quiet mayfly.net=192.168.9.2 mayfly.root=host mayfly.run=\"sh $dir/script\"" \
    -smp 2 -object iothread,id=io -netdev "tap,id=n,script=$dir/up,queues=2" \
    -device virtio-net-pci,netdev=n,mq=on,iothread=io \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap
vm_patience=300
check "the guest comes to its end" says '^mayfly-guest: status 0'

# got NAME: what the last line about the receiver says.
got()
{
    sed -n "/^begin $1/,/^end/p" "$vm_log" | sed -n 's/.* \([0-9.]*\) MBytes.*receiver.*/\1/p' |
        tail -n 1
}

# A receiver's count may lack what was under way when the sender had enough.
whole()
{
    n=$(got "$1")
    echo "# $1: $(sed -n "/^begin $1/,/^end/p" "$vm_log" | grep receiver | tail -n 1)"
    [ -n "$n" ] && [ "${n%.*}" -ge $(($2 * 9 / 10)) ]
}

check "TCP to the other namespace" whole to "$mib"
check "TCP from it" whole from "$mib"
check "TCP, four streams" whole streams $((mib * 9 / 10))
check "UDP" whole udp 3
check "power-off ends with status 0" ends_with 0
check "the kernel log is clean" never_says "$trouble"
finish

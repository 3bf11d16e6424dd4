#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/vhost.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
# As in boot-inside.sh.
export MAYFLY_CPU=host,-xsave
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

busybox=$guests/busybox
dir=/tmp/vhost
mkdir -p $dir/www
head -c 8000000 /dev/urandom > $dir/www/blob
ip link set lo up

refused()
{
    "$MAYFLY" -accel soft -nodefaults -display none -netdev tap,id=n,script=no,vhost=on \
        -device virtio-net-pci,netdev=n 2> $dir/errors
    [ $? = 1 ] && grep -q "netdev 'n': vhost=on needs KVM (-accel kvm)\$" $dir/errors
}

answers()
{
    "$busybox" timeout 120 "$busybox" ping -q -A -c "$1" 192.168.9.2 > $dir/ping
    grep -q " $1 packets received" $dir/ping
}

silent()
{
    ! "$busybox" ping -q -c 2 -w 4 192.168.9.2 > $dir/ping
}

# The monitor, through a pair of pipes.
tells()
{
    echo "$1" > $dir/mon.in
    sleep 1
}

fetched()
{
    "$busybox" timeout 120 wget -q -O $dir/back http://192.168.9.2/blob &&
        cmp $dir/back $dir/www/blob
}

has_thread()
{
    grep -qs "^vhost-$vm_pid\$" /proc/[0-9]*/comm
}

check "the rig has vhost-net" [ -c /dev/vhost-net ]
check "the software CPU: one line" refused
mkfifo $dir/mon.in $dir/mon.out
cat $dir/mon.out > $dir/monitor &
boot cloud "quiet mayfly.net=192.168.9.2 mayfly.run=\"cd /tmp; httpd -p 80 -h /tmp; echo up; read -r word; wget -q -O blob http://192.168.9.1/blob; echo sum: \$(md5sum < blob); read -r word\"" \
    -chardev pipe,id=m,path=$dir/mon -mon m -smp 2 \
    -netdev tap,id=n,ifname=tap-vhost,script=no,downscript=no,vhost=on,queues=2 \
    -device virtio-net-pci,netdev=n,mq=on
check "the guest is up" says '^up'
ip address add 192.168.9.1/24 dev tap-vhost
ip link set tap-vhost up
check "nothing was complained of" [ ! -s "$vm_errors" ]
check "the kernel has a thread for it" has_thread
check "500 answers to 500 pings" answers 500
"$busybox" httpd -f -p 192.168.9.1:80 -h $dir/www &
server=$!
vm_send go
check "a file to the guest" says "^sum: $(md5sum < $dir/www/blob | cut -d ' ' -f 1)"
check "the same file back" fetched
tells stop
check "stopped: no answer" silent
tells cont
check "it goes on: 20 answers" answers 20
tells 'set_link n off'
check "the link is down: no answer" silent
tells 'set_link n on'
check "the link is up: 20 answers" answers 20
tells 'info network'
check "info network says so" grep -q 'ifname=tap-vhost,queues=2,vhost=on' $dir/monitor
kill $server
vm_send go
check "power-off ends with status 0" ends_with 0
check "the kernel log is clean" never_says "$trouble"
finish

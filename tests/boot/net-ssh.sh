#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ssh into a guest through a forwarded port, and out of it: dropbear runs in the guest.
#
# limit: 400 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
PATH=$PATH:/usr/sbin:/sbin
for program in dropbear dbclient dropbearconvert ssh ssh-keygen; do
    command -v $program > /dev/null || skip_all "no program '$program'"
done
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

# An initramfs that is the guest's, and dropbear with what it is linked with.
mkdir -p "$dir/root/usr/sbin" "$dir/root/bin" "$dir/root/etc/dropbear" "$dir/root/root/.ssh"
cp "$(command -v dropbear)" "$dir/root/usr/sbin/"
cp "$(command -v dbclient)" "$dir/root/bin/"
for library in $(ldd "$(command -v dropbear)" "$(command -v dbclient)" | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (.*/\1/p' | sort -u); do
    mkdir -p "$dir/root${library%/*}"
    cp -L "$library" "$dir/root$library"
done
echo 'root:x:0:0:root:/root:/bin/sh' > "$dir/root/etc/passwd"
ln -s busybox "$dir/root/bin/sh"
echo /bin/sh > "$dir/root/etc/shells"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
cp "$dir/key.pub" "$dir/root/root/.ssh/authorized_keys"
dropbearconvert openssh dropbear "$dir/key" "$dir/root/root/key" 2> /dev/null
chmod -R go= "$dir/root/root"
(cd "$dir/root" && find . | "$guests/busybox" cpio -o -H newc -R 0:0 2> /dev/null | gzip > "$dir/more.gz")
cat "$guests/cloud/initrd" "$dir/more.gz" > "$dir/initrd"
head -c 2000000 /dev/urandom > "$dir/blob"

ports_free
boot cloud 'quiet mayfly.net=dhcp mayfly.run="mkdir -p /dev/pts /run /var/run; mount -t devpts pts /dev/pts; /usr/sbin/dropbear -R -E -F -s"' \
    -initrd "$dir/initrd" -nic "user,hostfwd=tcp:127.0.0.1:$port-:22"
check "the guest is up" says '^mayfly-guest: ready'

to_guest()
{
    timeout 60 ssh -q -F none -i "$dir/key" -p $port -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o ConnectTimeout=20 -o BatchMode=yes root@127.0.0.1 "$@"
}

comes_in()
{
    n=0
    until [ "$(to_guest uname -r < /dev/null)" = "$(cat "$guests/cloud/version")" ]; do
        n=$((n + 1))
        [ $n -lt 6 ] || { vm_tail | sed 's/^/# /' && return 1; }
        sleep 2
    done
}

check "ssh in: a command" comes_in
check "ssh in: a file, and its sum" \
    [ "$(to_guest md5sum < "$dir/blob")" = "$(md5sum < "$dir/blob")" ]
check "ssh in: the file there and back" \
    [ "$(to_guest cat < "$dir/blob" | md5sum)" = "$(md5sum < "$dir/blob")" ]

# Out to the host, where the port leads in again.
check "ssh out: to the host, and in again through its port" \
    [ "$(to_guest "dbclient -i /root/key -y -y -p $port root@10.0.2.2 'echo here; id -u'" < /dev/null | tr '\n' ' ')" = "here 0 " ]
vm_signal TERM
check "SIGTERM ends it with status 0" ends_with 0
finish

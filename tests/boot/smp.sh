#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Four vCPUs of the software CPU under a load that asks whether they are one machine
# (tests/boot/smp-guest.c).  MAYFLY_LONG=N does it N times.
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

vm_limit=${MAYFLY_BOOT_LIMIT:-500}
need_guest cloud

# An initramfs that is the guest's and one more program.
load=$vm_dir.load
trap 'vm_stop; rm -rf "$vm_dir" "$load"' EXIT
mkdir "$load"
${CC:-cc} -O2 -static -pthread -o "$load/smp" tests/boot/smp-guest.c ||
    skip_all "no compiler that links statically"
(cd "$load" && echo smp | "$guests/busybox" cpio -o -H newc 2> /dev/null | gzip > more.gz)
cat "$guests/cloud/initrd" "$load/more.gz" > "$load/initrd"

passes()
{
    boot cloud "quiet mayfly.modules=no mayfly.run=\"/smp 4\"" -smp 4 -initrd "$load/initrd"
    says '^smp: ok' && ends_with 0 && never_says "$trouble"
}

round=0
while [ $round -lt "${MAYFLY_LONG:-1}" ]; do
    round=$((round + 1))
    check "4 vCPUs under load, round $round" passes
done
finish

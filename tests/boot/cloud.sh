#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's cloud kernel (6.1) with 1 and 4 vCPUs, as bzImage and as ELF (PVH).
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
selftest cloud 1
selftest cloud 4
kernel_file=vmlinux
if [ -f "$guests/cloud/vmlinux" ]; then
    boot cloud mayfly=poweroff
    check "ELF kernel: boots through its PVH entry" says '^mayfly-guest: ready'
    check "ELF kernel: power-off ends with status 0" ends_with 0
else
    skip "ELF kernel" "no tool to unpack the kernel with"
fi
finish

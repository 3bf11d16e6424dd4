#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a run ends: reset, panic, power-off, signals and keys, and the options that bear on it.
#
# limit: 1200 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
boot cloud 'quiet mayfly=reboot' -no-reboot
check "reboot with -no-reboot: status 0" ends_with 0
check "reboot with -no-reboot: had booted" says '^mayfly-guest: ready'

boot cloud 'quiet mayfly=reboot'
check "reboot: the guest boots again" says_times '^mayfly-guest: ready' 2
vm_signal TERM
check "SIGTERM: status 0" ends_with 0

boot cloud 'quiet panic=-1 mayfly=panic' -no-reboot
check "panic=-1 with -no-reboot: status 0" ends_with 0
check "panic=-1 with -no-reboot: had panicked" says 'Kernel panic - not syncing: sysrq'

boot cloud 'quiet reboot=t mayfly=reboot' -no-reboot
check "triple fault with -no-reboot: status 0" ends_with 0
check "triple fault with -no-reboot: had booted" says '^mayfly-guest: ready'

boot cloud 'quiet mayfly=poweroff' -no-shutdown
check "-no-shutdown: boots" says 'reboot: Power down'
sleep 2
check "-no-shutdown: stays after power-off" vm_signal 0
vm_signal INT
check "-no-shutdown: SIGINT ends it with status 0" ends_with 0

vm_start -accel "$accel" -machine q35 -m 256M -nographic -device virtio-rng-pci \
    -kernel "$guests/cloud/vmlinuz" -initrd "$guests/cloud/initrd" \
    -append 'console=ttyS0 quiet'
check "-nographic: a shell on stdin and stdout" says '^mayfly# '
# shellcheck disable=SC2016  # the guest expands this
vm_send 'echo "two and two: $((2 + 2))"'
check "-nographic: it answers" says '^two and two: 4'
vm_type '\001c'
check "Ctrl-A c: the monitor" says '^\(qemu\) '
vm_send 'info status'
check "Ctrl-A c: it answers" says '^VM status: running'
vm_type '\001c'
# shellcheck disable=SC2016  # the guest expands this
vm_send 'echo "three and three: $((3 + 3))"'
check "Ctrl-A c: back to the guest" says '^three and three: 6'
vm_close
sleep 1
check "end of standard input: the guest runs on" vm_signal 0
vm_signal HUP
check "SIGHUP: status 0" ends_with 0

vm_start -accel "$accel" -machine q35 -m 256M -nographic \
    -kernel "$guests/cloud/vmlinuz" -initrd "$guests/cloud/initrd" \
    -append 'console=ttyS0 quiet'
check "-nographic: boots once more" says '^mayfly# '
vm_type '\001x'
check "Ctrl-A x: status 0" ends_with 0

# Nothing to read from and nothing to write to.
# shellcheck disable=SC2086
timeout 180 $MAYFLY -accel "$accel" -machine q35 -m 256M -nodefaults -display none \
    -serial "file:$vm_dir/serial" -kernel "$guests/cloud/vmlinuz" \
    -initrd "$guests/cloud/initrd" -append 'console=ttyS0 quiet mayfly=poweroff' \
    <&- >&- 2>&-
check "stdin, stdout and stderr closed: status 0" [ $? = 0 ]
check "stdin, stdout and stderr closed: had booted" \
    grep -aq '^mayfly-guest: ready' "$vm_dir/serial"
finish

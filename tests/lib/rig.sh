# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the tests of the rig, from the top folder.
#
# The rig is a machine that qemu-system-x86_64 emulates, with an AMD CPU that has SVM and
# nested paging, and an Intel IOMMU: the Debian kernel in it offers a true /dev/kvm and true
# VFIO groups, on any host. Its root is this machine's root, read-only over 9p under an
# overlay in memory, so what was built here runs there at the same path.
#
#   rig SCRIPT      run SCRIPT there; the cases it prints become cases of this test

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

# The rig's own emulator is never the program under test.
rig_program=${MAYFLY:-./mayfly}
MAYFLY=qemu-system-x86_64
# shellcheck source=scripts/vm.sh
. scripts/vm.sh

rig_guests=$(dirname "$(scripts/guest --path generic)")
command -v qemu-system-x86_64 > /dev/null ||
    skip_all "no qemu-system-x86_64 (package qemu-system-x86)"
for guest in generic cloud; do
    [ -f "$rig_guests/$guest/initrd" ] ||
        skip_all "no guest '$guest' (made by: scripts/guest $guest)"
done

# Cases are renumbered, as they come among other lines of the console.
rig_cases()
{
    vm_read_log
    grep -aE '^(not )?ok [0-9]+ |^# ' "$vm_log" > "$vm_dir/cases" || :
    while read -r line; do
        case $line in
        'ok '*)     tap_count=$((tap_count + 1)) && echo "ok $tap_count ${line#ok * }" ;;
        'not ok '*) tap_count=$((tap_count + 1)) && echo "not ok $tap_count ${line#not ok * }" ;;
        *)          echo "$line" ;;
        esac
    done < "$vm_dir/cases"
}

rig_start()
{
    inside="cd '$PWD' && MAYFLY='$rig_program' MAYFLY_GUESTS='$rig_guests'"
    inside="$inside sh tests/lib/rig-inside.sh $1"
    vm_limit=${MAYFLY_RIG_LIMIT:-600}
    vm_start -accel tcg,thread=multi -cpu EPYC,+svm,+npt -smp 2 -m 1G -nodefaults \
        -machine q35 -device intel-iommu,intremap=on -display none -serial stdio -no-reboot \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        -kernel "$rig_guests/generic/vmlinuz" -initrd "$rig_guests/generic/initrd" \
        -append "console=ttyS0 quiet intel_iommu=on softlockup_panic=1 panic=-1 \
mayfly.root=host mayfly.run=\"$inside\""
    vm_wait
}

# The emulated machine's own kernel locks up now and then (seen once in eight runs on a busy
# host): its panic ends it, and it is tried again, at most twice.
rig()
{
    rig_start "$1"
    vm_read_log
    for try in 2 3; do
        grep -aq 'softlockup: hung tasks' "$vm_log" || break
        echo "# the rig's own kernel locked up: try $try"
        rig_start "$1"
    done
    rig_cases
    check "$1: ran to its end in the rig" grep -aq '^mayfly-guest: status 0' "$vm_log"
    grep -aq '^mayfly-guest: status 0' "$vm_log" || vm_tail | sed 's/^/# /'
}

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
#
# With $rig_share a folder can be written from there, the 9p export "out".

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

# What keeps the rig's kernel going where time is scarce: its timers tick on, as the emulator
# now and then loses an interrupt of a CPU that enters a guest, and the next tick brings it
# (a single shot would be lost, and that CPU with it); and it does not judge timers, CPUs
# and locks by how fast they are.
rig_start()
{
    inside="cd '$PWD' && MAYFLY='$rig_program' MAYFLY_GUESTS='$rig_guests'"
    inside="$inside sh tests/lib/rig-inside.sh $1"
    # shellcheck disable=SC2086  # words
    vm_start -accel tcg,thread=multi -cpu EPYC,+svm,+npt -smp 2 -m 1G -nodefaults \
        -machine q35 -device intel-iommu,intremap=on -display none -serial stdio -no-reboot \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        ${rig_share:+-virtfs local,path=$rig_share,mount_tag=out,security_model=none} \
        -kernel "$rig_guests/generic/vmlinuz" -initrd "$rig_guests/generic/initrd" \
        -append "console=ttyS0 quiet intel_iommu=on nohz=off highres=off no_timer_check \
tsc=reliable watchdog_thresh=30 softlockup_panic=1 panic=-1 mayfly.root=host mayfly.run=\"$inside\""
}

# Wait for its end. $rig_fate is "finished", "dead" (it ended, or fell silent, on the way) or
# "late" (it lives and its script does not end).
rig_wait()
{
    rig_silent=0
    rig_size=0
    rig_left=${MAYFLY_RIG_LIMIT:-900}
    while ! vm_wait 1; do
        rig_left=$((rig_left - 1))
        rig_silent=$((rig_silent + 1))
        now=$(wc -c < "$vm_dir/raw")
        [ "$now" = "$rig_size" ] || rig_silent=0
        rig_size=$now
        if [ $rig_silent -ge 150 ] || [ "$rig_left" -le 0 ]; then
            break
        fi
    done
    if grep -aq '^mayfly-guest: status 0' "$vm_log"; then
        rig_fate=finished
    elif [ "$rig_left" -gt 0 ]; then
        rig_fate=dead
    else
        rig_fate=late
    fi
    vm_stop
}

# The emulation of SVM is not perfect: the rig itself locks up or resets now and then, with
# qemu in Mayfly's place too. What such a rig said does not count, and it is tried again:
# three times at most, and not where ten minutes are gone.
rig()
{
    rig_begin=$(date +%s)
    for try in 1 2 3; do
        rig_start "$1"
        rig_wait
        [ "$rig_fate" = dead ] || break
        echo "# try $try: the emulated machine died (status ${vm_status:-none}):"
        vm_tail | sed 's/^/# /'
        [ $(($(date +%s) - rig_begin)) -lt 600 ] || break
    done
    if [ "$rig_fate" = dead ]; then
        skip "$1" "the emulated machine died $try times, see the log"
    else
        rig_cases
        check "$1: ran to its end in the rig" [ "$rig_fate" = finished ]
        [ "$rig_fate" = finished ] || vm_tail | sed 's/^/# /'
    fi
}

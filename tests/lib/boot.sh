# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the boot tests, from the top folder: a Debian kernel with the initramfs of
# scripts/guest on the software CPU.  With MAYFLY=qemu-system-x86_64 MAYFLY_ACCEL=tcg the
# tests try themselves on another monitor.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh

accel=${MAYFLY_ACCEL:-soft}
guests=$(dirname "$(scripts/guest --path cloud)")
# What a healthy kernel never says.
trouble='BUG:|WARNING: CPU|Oops|Call Trace|lockup|stall|[Tt]imed out|nobody cared|unchecked MSR'

need_guest()
{
    [ -f "$guests/$1/initrd" ] || skip_all "no guest '$1' (made by: scripts/guest $1)"
}

# boot GUEST WORDS OPTION ...: start it; WORDS go to the kernel's command line.
boot()
{
    boot_kernel=$guests/$1/${kernel_file:-vmlinuz}
    boot_initrd=$guests/$1/initrd
    boot_words=$2
    shift 2
    vm_start -accel "$accel" ${MAYFLY_CPU:+-cpu "$MAYFLY_CPU"} -machine q35 -m 512M -nodefaults -display none \
        -serial stdio -device virtio-rng-pci -kernel "$boot_kernel" \
        -initrd "$boot_initrd" -append "console=ttyS0 $boot_words" "$@"
}

# Conditions for check().
says()
{
    vm_expect "$1" || { vm_tail | sed 's/^/# /' && return 1; }
}

never_says()
{
    vm_read_log
    [ -s "$vm_log" ] || return 1
    ! grep -aE "$1" "$vm_log" | sed 's/^/# /' | grep .
}

ends_with()
{
    vm_wait || { echo "# still running" && return 1; }
    [ "$vm_status" = "$1" ] || { vm_tail | sed 's/^/# /' && echo "# status $vm_status" && return 1; }
}

# Says $1 at least $2 times within the time limit.
says_times()
{
    vm_ticks=$((vm_patience * 2))
    while [ $vm_ticks -gt 0 ]; do
        vm_read_log
        [ "$(grep -acE "$1" "$vm_log")" -lt "$2" ] || return 0
        ! vm_ended || break
        sleep 0.5
        vm_ticks=$((vm_ticks - 1))
    done
    vm_tail | sed 's/^/# /'
    return 1
}

# The number after "selftest: $1 ".
told()
{
    sed -n "s/^selftest: $1 //p" "$vm_log" | head -n 1
}

time_is_right()
{
    now=$(date +%s)
    then=$(told time)
    off=$((now - ${then:-0}))
    [ "${off#-}" -le 30 ] || { echo "# the guest's time is $off s behind" && return 1; }
}

# All that the guest's selftest promises, on $1 with $2 vCPUs.
selftest()
{
    boot "$1" mayfly=selftest -smp "$2"
    check "$1, $2 vCPUs: boots and passes its self-test" says '^mayfly-guest: selftest ok'
    check "$1, $2 vCPUs: power-off ends with status 0" ends_with 0
    check "$1, $2 vCPUs: the kernel is the one given" \
        [ "$(told kernel)" = "$(cat "$guests/$1/version")" ]
    check "$1, $2 vCPUs: all processors are up" [ "$(told cpus)" = "$2" ]
    check "$1, $2 vCPUs: virtio-rng serves it" grep -q '^selftest: hwrng virtio' "$vm_log"
    check "$1, $2 vCPUs: the clock agrees with the host's" time_is_right
    check "$1, $2 vCPUs: the kernel log is clean" never_says "$trouble"
}

# refused ERE OPTION ...: these options end with status 1 and one line that matches.
refused()
{
    pattern=$1
    shift
    timeout 60 "$MAYFLY" "$@" < /dev/null > /dev/null 2> "$vm_dir/refused"
    status=$?
    if [ $status != 1 ] || [ "$(wc -l < "$vm_dir/refused")" != 1 ] ||
        ! grep -q -e "$pattern" "$vm_dir/refused"; then
        sed "s/^/# $status /" "$vm_dir/refused"
        return 1
    fi
}

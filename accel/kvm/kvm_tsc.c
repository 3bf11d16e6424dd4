/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time-stamp counters.  KVM's go on while the machine is paused, and are read one after
 * another; here all vCPUs' are those of the moment of the pause, so that a guest whose
 * TSCs agree finds them so wherever it goes on.  Main thread, paused.
 *
 * A guest knows its TSC's rate: where it goes on with another, the host's CPU has to
 * scale it.  Where it can't, kvmclock is right, and what the guest times by the TSC is
 * not.
 */

#include "accel/kvm/kvm.h"

#include "base/log.h"

#include <inttypes.h>

/* What Linux takes for the same rate: KVM's default tolerance (tsc_tolerance_ppm). */
enum { TOLERANCE_PPM = 250 };

/* A vCPU's TSC is the host's, scaled, plus this. */
static bool offset_call(KvmCpu *cpu, unsigned long request, u64 *offset)
{
    struct kvm_device_attr attr = {
        .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
        .addr = (uintptr_t)offset,
    };

    return !kvm_ioctl(cpu->fd, request, &attr);
}

static u64 khz_now(KvmCpu *cpu)
{
    int khz = kvm_ioctl(cpu->fd, KVM_GET_TSC_KHZ, NULL);

    return MAX(khz, 0);
}

void kvm_tsc_paused(Kvm *kvm)
{
    u64 offset;

    if (kvm->tsc_offsets && offset_call(&kvm->cpu[0], KVM_GET_DEVICE_ATTR, &offset)) {
        kvm->tsc_paused = kvm_msr_get(&kvm->cpu[0], MSR_TSC) - offset;
    }
}

void kvm_tsc_open(Kvm *kvm)
{
    u64 offset;

    kvm->tsc_offsets = offset_call(&kvm->cpu[0], KVM_GET_DEVICE_ATTR, &offset);
    kvm->host_tsc_khz = kvm->tsc_khz = khz_now(&kvm->cpu[0]);
    kvm_tsc_paused(kvm);
}

void kvm_tsc_get(KvmCpu *cpu, X86Events *events)
{
    u64 offset;

    events->tsc_khz = cpu->kvm->tsc_khz;
    if (cpu->kvm->tsc_offsets && offset_call(cpu, KVM_GET_DEVICE_ATTR, &offset)) {
        events->tsc = cpu->kvm->tsc_paused + offset;
    }
}

static bool same_rate(u64 a, u64 b)
{
    return (a > b ? a - b : b - a) <= b / (1000000 / TOLERANCE_PPM);
}

/* All vCPUs get one after another what the first gets. */
static void set_rate(KvmCpu *cpu, u64 khz)
{
    Kvm *kvm = cpu->kvm;
    bool first = !same_rate(kvm->tsc_khz, khz);

    if (same_rate(khz_now(cpu), khz)) {
        return;
    }
    if (kvm_ioctl(cpu->fd, KVM_SET_TSC_KHZ, (void *)(uintptr_t)khz)) {
        if (cpu->index == 0) {
            log_write("the guest's TSC counted %" PRIu64 " kHz; here it counts %" PRIu64
                      ", as this host's CPU can't scale it", khz, khz_now(cpu));
        }
    } else if (first) {
        kvm->tsc_khz = khz;
        kvm_tsc_paused(kvm);
    }
}

/*
 * KVM takes a TSC that is written within a second of what it would be for an attempt to
 * make vCPUs agree, and leaves it; an offset is an offset.
 */
void kvm_tsc_set(KvmCpu *cpu, const X86Events *events)
{
    u64 khz = events->tsc_khz ? events->tsc_khz : cpu->kvm->host_tsc_khz;
    u64 offset;

    if (khz) {
        set_rate(cpu, khz);
    }
    offset = events->tsc - cpu->kvm->tsc_paused;
    if (cpu->kvm->tsc_offsets) {
        offset_call(cpu, KVM_SET_DEVICE_ATTR, &offset);
    }
}

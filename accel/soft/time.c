/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time: the time-stamp counter and kvmclock.
 *
 * The TSC is the virtual clock, scaled: so it stands while the machine is paused, runs
 * at one rate on every host, and what CPUID, kvmclock and the deadline timer say of it
 * is exact.  kvmclock is written once, when the guest asks for it: its line through
 * (tsc, ns) never bends.  (A guest that was saved elsewhere keeps the rate it had there;
 * CPUID then says the usual one, which the guest gets with its next reset.)
 */

#include "accel/soft/soft.h"

/* ns -> TSC ticks and back; 128-bit products, so that no length of uptime overflows. */
static u64 scale(u64 value, u64 to, u64 from)
{
    return (unsigned __int128)value * to / from;
}

static u64 clock_ticks(const Cpu *cpu)
{
    u64 ns = clock_now(cpu->machine->clock);

    return cpu->soft->tsc_khz == 1000000 ? ns : scale(ns, cpu->soft->tsc_khz, 1000000);
}

u64 cpu_tsc(const Cpu *cpu)
{
    return clock_ticks(cpu) + cpu->tsc_offset;
}

void cpu_set_tsc(Cpu *cpu, u64 value)
{
    cpu->tsc_offset = value - clock_ticks(cpu);
}

u64 cpu_tsc_to_ns(const Cpu *cpu, u64 tsc)
{
    u64 now = cpu_tsc(cpu), ahead = tsc - now, now_ns = clock_now(cpu->machine->clock);

    if ((s64)ahead <= 0) {
        return now_ns;
    }
    return now_ns + scale(ahead, 1000000, cpu->soft->tsc_khz) + 1;
}

/* Linux Documentation/virt/kvm/x86/msr.rst: what MSR_KVM_SYSTEM_TIME points at. */
typedef struct {
    u32 version;                /* even: the rest is consistent */
    u32 pad0;
    u64 tsc_timestamp, system_time;
    u32 tsc_to_system_mul;
    s8 tsc_shift;
    u8 flags;
    u8 pad[2];
} KvmClock;
_Static_assert(sizeof(KvmClock) == 32, "fixed by the interface");

enum { KVM_CLOCK_TSC_STABLE = 1 };

/* ns = ((tsc << shift) * mul) >> 32, with mul as large as 32 bits hold. */
static void clock_scale(u64 tsc_khz, u32 *mul, s8 *shift)
{
    u64 ns_per_2_32 = scale(1ull << 32, 1000000, tsc_khz);

    *shift = 0;
    while (ns_per_2_32 > UINT32_MAX) {
        ns_per_2_32 >>= 1;
        (*shift)++;
    }
    while (ns_per_2_32 < 1ull << 31) {
        ns_per_2_32 <<= 1;
        (*shift)--;
    }
    *mul = ns_per_2_32;
}

void cpu_kvmclock_enable(Cpu *cpu, u64 msr)
{
    KvmClock clock = { .flags = KVM_CLOCK_TSC_STABLE };
    u32 version;

    cpu->kvm_system_time = msr;
    if (!(msr & 1)) {
        return;
    }
    /*
     * After a restore a guest may be in the middle of reading: it sees another version.
     */
    if (!mem_read(cpu->machine->mem, msr & ~1ull, &version, sizeof version)) {
        version = 0;
    }
    clock.version = (version | 1) + 1;
    clock.system_time = clock_now(cpu->machine->clock);
    clock.tsc_timestamp = scale(clock.system_time, cpu->soft->tsc_khz, 1000000) +
                          cpu->tsc_offset;
    clock_scale(cpu->soft->tsc_khz, &clock.tsc_to_system_mul, &clock.tsc_shift);
    if (!mem_write(cpu->machine->mem, msr & ~1ull, &clock, sizeof clock)) {
        cpu->kvm_system_time = 0;
    }
}

/* The time of day at which the virtual clock was 0. */
void cpu_kvm_wall_clock(Cpu *cpu, u64 msr)
{
    struct { u32 version, sec, nsec; } wall = { .version = 2 };
    u64 boot = (u64)g_get_real_time() * 1000 - clock_now(cpu->machine->clock);

    cpu->kvm_wall_clock = msr;
    wall.sec = boot / NS_PER_SEC;
    wall.nsec = boot % NS_PER_SEC;
    if (!mem_write(cpu->machine->mem, msr, &wall, sizeof wall)) {
        cpu->kvm_wall_clock = 0;
    }
}

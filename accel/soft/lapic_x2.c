/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x2APIC: the local APIC's registers as MSRs, and the way into and out of that mode
 * (SDM vol. 3, 11.12).  The vCPU's own thread.
 */

#include "accel/soft/lapic.h"

/*
 * 11.12.1.2: register r is MSR 0x800 + r; ICR is one 64-bit MSR, DFR and ICR2 are not
 * there, SELF IPI is.
 */
u64 lapic_rdmsr(Lapic *l, u32 index)
{
    unsigned r = index - MSR_X2APIC;
    u64 value;

    if (!lapic_x2(l) || r >= 0x40 || !lapic_has_register(r) || r == LAPIC_DFR ||
        r == LAPIC_ICR2 || r == LAPIC_EOI) {
        cpu_gp(l->cpu, 0);
    }
    value = lapic_read(l, r << 4);
    if (r == LAPIC_ICR) {
        value |= (u64)l->reg[LAPIC_ICR2] << 32;
    }
    return value;
}

/* What each x2APIC register takes; a 1 elsewhere is #GP (11.12.1.2). */
static u64 x2_writable(unsigned r)
{
    switch (r) {
    case LAPIC_TPR:       return 0xff;
    case LAPIC_EOI:
    case LAPIC_ESR:       return 0;
    case LAPIC_SVR:       return 0x13ff;
    case LAPIC_ICR:       return 0xffffffff000ccfff;
    case LAPIC_LVT_TIMER: return 0x710ff;
    case LAPIC_TDCR:      return 0xb;
    case LAPIC_TMICT:     return 0xffffffff;
    case LAPIC_SELF_IPI:  return 0xff;
    default:              return lapic_is_lvt(r) ? 0x1f7ff : 0;
    }
}

static bool x2_is_writable(unsigned r)
{
    return r == LAPIC_TPR || r == LAPIC_EOI || r == LAPIC_SVR || r == LAPIC_ESR ||
           r == LAPIC_ICR || lapic_is_lvt(r) || r == LAPIC_TMICT || r == LAPIC_TDCR ||
           r == LAPIC_SELF_IPI;
}

void lapic_wrmsr(Lapic *l, u32 index, u64 value)
{
    unsigned r = index - MSR_X2APIC;

    if (!lapic_x2(l) || r >= 0x40 || !x2_is_writable(r) || value & ~x2_writable(r)) {
        cpu_gp(l->cpu, 0);
    }
    if (r == LAPIC_SELF_IPI) {
        lapic_send(l, 1u << 18 | (u32)value, 0);
        return;
    }
    if (r == LAPIC_ICR) {
        l->reg[LAPIC_ICR2] = value >> 32;
    }
    lapic_write(l, r << 4, value);
}

/* 11.12.5: from x2APIC only to disabled, from disabled not straight to x2APIC. */
bool lapic_set_base(Lapic *l, u64 value)
{
    u64 mode = value & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2),
        old = l->base & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2);

    if (mode == LAPIC_BASE_X2 ||
        value & ~(LAPIC_BASE_ENABLE | LAPIC_BASE_X2 | LAPIC_BASE_BSP |
                  0xffffffffff000ull) ||
        (old == LAPIC_BASE_ENABLE + LAPIC_BASE_X2 && mode == LAPIC_BASE_ENABLE) ||
        (old == 0 && mode == LAPIC_BASE_ENABLE + LAPIC_BASE_X2)) {
        return false;
    }
    pthread_mutex_lock(&l->lock);
    l->base = value;
    if (mode & LAPIC_BASE_X2) { /* 11.12.10.2: the logical id follows from the id */
        l->reg[LAPIC_LDR] = (l->id & 0xffff0) << 12 | 1u << (l->id & 15);
    }
    pthread_mutex_unlock(&l->lock);
    if (!mode) {
        lapic_reset(l, true);
    }
    atomic_fetch_or_explicit(&l->cpu->request, REQUEST_INTERRUPT, memory_order_relaxed);
    return true;
}

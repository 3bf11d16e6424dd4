/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a local APIC, for lapic.c and lapic_bus.c; everybody else uses soft.h.
 * Registers are numbered by their offset in the page divided by 16 (SDM vol. 3, table
 * 11-1).
 */

#ifndef ACCEL_SOFT_LAPIC_H
#define ACCEL_SOFT_LAPIC_H

#include "accel/soft/soft.h"

enum {
    LAPIC_ID = 0x02,
    LAPIC_VERSION = 0x03,
    LAPIC_TPR = 0x08,
    LAPIC_APR = 0x09,
    LAPIC_PPR = 0x0a,
    LAPIC_EOI = 0x0b,
    LAPIC_LDR = 0x0d,
    LAPIC_DFR = 0x0e,
    LAPIC_SVR = 0x0f,
    LAPIC_ISR = 0x10,
    LAPIC_TMR = 0x18,
    LAPIC_IRR = 0x20,
    LAPIC_ESR = 0x28,
    LAPIC_ICR = 0x30,
    LAPIC_ICR2 = 0x31,
    LAPIC_LVT_TIMER = 0x32,
    LAPIC_LVT_THERMAL = 0x33,
    LAPIC_LVT_PERF = 0x34,
    LAPIC_LVT_LINT0 = 0x35,
    LAPIC_LVT_LINT1 = 0x36,
    LAPIC_LVT_ERROR = 0x37,
    LAPIC_TMICT = 0x38,
    LAPIC_TMCCT = 0x39,
    LAPIC_TDCR = 0x3e,
    LAPIC_SELF_IPI = 0x3f,
};

#define LAPIC_BASE_BSP    (1ull << 8)
#define LAPIC_BASE_X2     (1ull << 10)
#define LAPIC_BASE_ENABLE (1ull << 11)
#define LAPIC_SVR_ENABLE  (1u << 8)
#define LAPIC_SVR_NO_EOI  (1u << 12)
#define LAPIC_LVT_MASKED  (1u << 16)

/* Delivery modes: bits 8-10 of ICR, LVT entries and messages. */
enum {
    LAPIC_MODE_FIXED,
    LAPIC_MODE_LOWEST,
    LAPIC_MODE_SMI,
    LAPIC_MODE_NMI = 4,
    LAPIC_MODE_INIT,
    LAPIC_MODE_SIPI,
    LAPIC_MODE_EXTINT,
};
#define LAPIC_MODE(x) ((x) >> 8 & 7)

enum { LAPIC_TIMER_ONE_SHOT, LAPIC_TIMER_PERIODIC, LAPIC_TIMER_DEADLINE };
#define LAPIC_TIMER_MODE(lvt) ((lvt) >> 17 & 3)

enum {
    LAPIC_ERROR_SEND = 1 << 5, LAPIC_ERROR_RECEIVE = 1 << 6, LAPIC_ERROR_REGISTER = 1
    << 7,
};

struct Lapic {
    Cpu *cpu;
    pthread_mutex_t lock;
    u32 id;
    u32 errors;                 /* gathered since ESR was written */
    u64 base;                   /* IA32_APIC_BASE */
    u64 timer_start, tsc_deadline;
    Timer *timer;
    u32 reg[64];
};

static inline bool lapic_x2(const Lapic *l)
{
    return l->base & LAPIC_BASE_X2;
}

bool lapic_enabled(const Lapic *l);
void lapic_bit_set(u32 *words, u8 vector);
void lapic_error(Lapic *l, u32 bits);               /* `lock` held */
/*
 * `lock` held: an interrupt of this APIC's own, through the LVT entry in this register.
 */
void lapic_local_interrupt(Lapic *l, unsigned lvt);

/* Is there a register of this number; is it an LVT entry? */
bool lapic_has_register(unsigned r);
bool lapic_is_lvt(unsigned r);

/*
 * lapic_timer.c.  Arming: machine lock and `lock` held; a change of the registers: the
 * vCPU's thread, no lock held.
 */
bool lapic_deadline_mode(const Lapic *l);
u32 lapic_timer_count(const Lapic *l);
void lapic_timer_arm(Lapic *l, u64 now);
/*
 * `lock` held, paused: has it expired, and not been seen to?  Not of a deadline, whose
 * MSR tells.
 */
bool lapic_timer_due(const Lapic *l);
void lapic_timer_changed(Lapic *l, bool restart);
void lapic_timer_expired(void *lapic);

/* Sends what ICR says; `destination` is its upper half, 8 bits in xAPIC mode. */
void lapic_send(Lapic *l, u32 icr, u32 destination);

#endif

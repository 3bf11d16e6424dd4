/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC, xAPIC and x2APIC (SDM vol. 3, chapter 11): registers and priorities.
 * The timer is in lapic_timer.c, messages between APICs in lapic_bus.c.  Left out: the
 * CMCI, thermal and performance-counter interrupts have registers but no source.
 *
 * The owner's thread reads and writes registers without the machine lock; messages come
 * from any thread.  `lock` guards the registers; timers need the machine lock, so
 * arming the timer leaves the guest.
 */

#include "accel/soft/lapic.h"
#include "base/lock.h"

enum { LVT_COUNT = 6, VERSION = 0x14 | (LVT_COUNT - 1) << 16 };
static const u8 lvt_regs[LVT_COUNT] = {
    LAPIC_LVT_TIMER, LAPIC_LVT_THERMAL, LAPIC_LVT_PERF,
    LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,   LAPIC_LVT_ERROR,
};

/* ---- bits of IRR, ISR, TMR: eight words each ---- */

void lapic_bit_set(u32 *words, u8 vector)
{
    words[vector / 32] |= 1u << vector % 32;
}

static void bit_clear(u32 *words, u8 vector)
{
    words[vector / 32] &= ~(1u << vector % 32);
}

static bool bit_test(const u32 *words, u8 vector)
{
    return words[vector / 32] >> vector % 32 & 1;
}

static int bit_highest(const u32 *words)
{
    for (int i = 7; i >= 0; i--) {
        if (words[i]) {
            return i * 32 + 31 - __builtin_clz(words[i]);
        }
    }
    return -1;
}

/*
 * Processor priority (11.8.3.1): the higher class of the task's priority and of what is
 * in service.
 */
static u8 processor_priority(const Lapic *l)
{
    int isr = bit_highest(l->reg + LAPIC_ISR);
    u8 tpr = l->reg[LAPIC_TPR];

    return isr < 0 || (tpr >> 4) >= (isr >> 4) ? tpr : isr & 0xf0;
}

bool lapic_enabled(const Lapic *l)
{
    return (l->base & LAPIC_BASE_ENABLE) && (l->reg[LAPIC_SVR] & LAPIC_SVR_ENABLE);
}

static int pending(const Lapic *l)
{
    int vector = bit_highest(l->reg + LAPIC_IRR);

    if (vector < 0 || !lapic_enabled(l) ||
        (vector >> 4) <= (processor_priority(l) >> 4)) {
        return -1;
    }
    return vector;
}

int lapic_pending(Lapic *l)
{
    int vector;

    pthread_mutex_lock(&l->lock);
    vector = pending(l);
    pthread_mutex_unlock(&l->lock);
    return vector;
}

int lapic_accept(Lapic *l)
{
    int vector;

    pthread_mutex_lock(&l->lock);
    vector = pending(l);
    if (vector >= 0) {
        bit_clear(l->reg + LAPIC_IRR, vector);
        lapic_bit_set(l->reg + LAPIC_ISR, vector);
    }
    pthread_mutex_unlock(&l->lock);
    return vector;
}

bool lapic_extint(Lapic *l)
{
    u32 lint0 = l->reg[LAPIC_LVT_LINT0];

    if (l->cpu->index || !atomic_load(&l->cpu->soft->extint)) {
        return false;
    }
    return !(l->base & LAPIC_BASE_ENABLE) ||
           (!(lint0 & LAPIC_LVT_MASKED) && LAPIC_MODE(lint0) == LAPIC_MODE_EXTINT);
}

/* ---- errors and local interrupts ---- */

void lapic_local_interrupt(Lapic *l, unsigned lvt)
{
    u32 entry = l->reg[lvt];

    if (entry & LAPIC_LVT_MASKED || !(l->base & LAPIC_BASE_ENABLE)) {
        return;
    }
    if (LAPIC_MODE(entry) == LAPIC_MODE_NMI) {
        cpu_request(l->cpu, REQUEST_NMI_IN);
    } else {
        lapic_bit_set(l->reg + LAPIC_IRR, entry);
        bit_clear(l->reg + LAPIC_TMR, entry);
        cpu_request(l->cpu, REQUEST_INTERRUPT);
    }
}

/* `lock` held.  11.5.3: errors gather until ESR is written. */
void lapic_error(Lapic *l, u32 bits)
{
    if ((l->errors & bits) == bits) {
        return;
    }
    l->errors |= bits;
    if ((l->reg[LAPIC_LVT_ERROR] & 0xff) >= 16) {
        lapic_local_interrupt(l, LAPIC_LVT_ERROR);
    }
}

/* ---- registers ---- */

u8 lapic_tpr(Lapic *l)
{
    return l->reg[LAPIC_TPR];
}

void lapic_set_tpr(Lapic *l, u8 tpr)
{
    pthread_mutex_lock(&l->lock);
    l->reg[LAPIC_TPR] = tpr;
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_or_explicit(&l->cpu->request, REQUEST_INTERRUPT, memory_order_relaxed);
}

/*
 * 11.8.5: the highest in service is done; a level-triggered one is told to the IOAPICs.
 */
static void write_eoi(Lapic *l)
{
    Cpu *cpu = l->cpu;
    int vector;
    bool level;

    pthread_mutex_lock(&l->lock);
    vector = bit_highest(l->reg + LAPIC_ISR);
    level = vector >= 0 && bit_test(l->reg + LAPIC_TMR, vector);
    if (vector >= 0) {
        bit_clear(l->reg + LAPIC_ISR, vector);
    }
    pthread_mutex_unlock(&l->lock);
    if (level && !(l->reg[LAPIC_SVR] & LAPIC_SVR_NO_EOI)) {
        guest_leave(cpu);
        machine_lock();
        cpu->machine->eoi(cpu->machine, vector);
        machine_unlock();
        guest_enter(cpu);
    }
    atomic_fetch_or_explicit(&cpu->request, REQUEST_INTERRUPT, memory_order_relaxed);
}

/* 11.9: software-disabling masks every local interrupt. */
static void write_svr(Lapic *l, u32 value)
{
    pthread_mutex_lock(&l->lock);
    l->reg[LAPIC_SVR] = value & 0x13ff;
    if (!(value & LAPIC_SVR_ENABLE)) {
        for (unsigned i = 0; i < LVT_COUNT; i++) {
            l->reg[lvt_regs[i]] |= LAPIC_LVT_MASKED;
        }
    }
    pthread_mutex_unlock(&l->lock);
}

static void write_lvt(Lapic *l, unsigned r, u32 value)
{
    u32 writable = r == LAPIC_LVT_TIMER ? 0x700ff :
                   r == LAPIC_LVT_ERROR ? 0x100ff :
                   r == LAPIC_LVT_LINT0 || r == LAPIC_LVT_LINT1 ? 0x1a7ff : 0x107ff;
    u32 old;

    pthread_mutex_lock(&l->lock);
    old = l->reg[r];
    l->reg[r] = value & writable;
    if (!(l->reg[LAPIC_SVR] & LAPIC_SVR_ENABLE)) {
        l->reg[r] |= LAPIC_LVT_MASKED;
    }
    if (r == LAPIC_LVT_TIMER && LAPIC_TIMER_MODE(old ^ value)) {
        l->tsc_deadline = 0; /* 11.5.4.1: changing the mode disarms the timer */
        l->reg[LAPIC_TMICT] = 0;
    }
    pthread_mutex_unlock(&l->lock);
    if (r == LAPIC_LVT_TIMER && LAPIC_TIMER_MODE(old ^ value)) {
        lapic_timer_changed(l, true);
    }
    atomic_fetch_or_explicit(&l->cpu->request, REQUEST_INTERRUPT, memory_order_relaxed);
}

bool lapic_is_lvt(unsigned r)
{
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        if (r == lvt_regs[i]) {
            return true;
        }
    }
    return false;
}

/* Is there a register r (number: offset / 16)?  Table 11-1 and 11-6. */
bool lapic_has_register(unsigned r)
{
    return r == LAPIC_ID || r == LAPIC_VERSION || (r >= LAPIC_TPR && r <= LAPIC_EOI) ||
           (r >= LAPIC_LDR && r <= LAPIC_ESR) || r == LAPIC_ICR || r == LAPIC_ICR2 ||
           lapic_is_lvt(r) || r == LAPIC_TMICT || r == LAPIC_TMCCT || r == LAPIC_TDCR;
}

static u32 register_read(Lapic *l, unsigned r)
{
    switch (r) {
    case LAPIC_ID:
        return lapic_x2(l) ? l->id : l->id << 24;
    case LAPIC_VERSION:
        return VERSION;
    case LAPIC_PPR:
        return processor_priority(l);
    case LAPIC_TMCCT:
        return lapic_timer_count(l);
    case LAPIC_EOI:
        return 0;
    default:
        return l->reg[r];
    }
}

static void register_write(Lapic *l, unsigned r, u32 value)
{
    if (lapic_is_lvt(r)) {
        write_lvt(l, r, value);
        return;
    }
    switch (r) {
    case LAPIC_TPR:
        lapic_set_tpr(l, value);
        break;
    case LAPIC_EOI:
        write_eoi(l);
        break;
    case LAPIC_LDR:
        l->reg[r] = value & 0xff000000;
        break;
    case LAPIC_DFR:
        l->reg[r] = value | 0x0fffffff;
        break;
    case LAPIC_SVR:
        write_svr(l, value);
        break;
    case LAPIC_ESR:
        pthread_mutex_lock(&l->lock);
        l->reg[r] = l->errors;
        l->errors = 0;
        pthread_mutex_unlock(&l->lock);
        break;
    case LAPIC_ICR2:
        l->reg[r] = value;
        break;
    case LAPIC_ICR:
        l->reg[r] = value & 0xccfff;
        lapic_send(l, value,
                   lapic_x2(l) ? l->reg[LAPIC_ICR2] : l->reg[LAPIC_ICR2] >> 24);
        break;
    case LAPIC_TMICT:
        if (!lapic_deadline_mode(l)) {
            l->reg[r] = value;
            lapic_timer_changed(l, true);
        }
        break;
    case LAPIC_TDCR:
        l->reg[r] = value & 0xb;
        lapic_timer_changed(l, false);
        break;
    default:                            /* read-only */
        break;
    }
}

u32 lapic_read(Lapic *l, unsigned offset)
{
    u32 value = 0;

    pthread_mutex_lock(&l->lock);
    if (offset < 0x400 && lapic_has_register(offset >> 4)) {
        value = register_read(l, offset >> 4);
    } else {
        lapic_error(l, LAPIC_ERROR_REGISTER);
    }
    pthread_mutex_unlock(&l->lock);
    return value;
}

void lapic_write(Lapic *l, unsigned offset, u32 value)
{
    if (offset < 0x400 && lapic_has_register(offset >> 4)) {
        register_write(l, offset >> 4, value);
    } else {
        pthread_mutex_lock(&l->lock);
        lapic_error(l, LAPIC_ERROR_REGISTER);
        pthread_mutex_unlock(&l->lock);
    }
}

/* ---- reset and state ---- */

/* 11.4.7.1; LINT0 of the first CPU is left as firmware leaves it: virtual wire mode. */
static void registers_reset(const Lapic *l, u32 *reg, bool init)
{
    memset(reg, 0, sizeof l->reg);
    reg[LAPIC_DFR] = 0xffffffff;
    reg[LAPIC_SVR] = 0xff;
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        reg[lvt_regs[i]] = LAPIC_LVT_MASKED;
    }
    if (!l->cpu->index) {
        reg[LAPIC_LVT_LINT0] = LAPIC_MODE_EXTINT << 8;
    }
    if (init && lapic_x2(l)) {
        reg[LAPIC_LDR] = (l->id & 0xffff0) << 12 | 1u << (l->id & 15);
    }
}

void lapic_reset(Lapic *l, bool init)
{
    pthread_mutex_lock(&l->lock);
    registers_reset(l, l->reg, init);
    l->tsc_deadline = 0;
    l->errors = 0;
    if (!init) {
        l->base = 0xfee00000 | LAPIC_BASE_ENABLE | (l->cpu->index ? 0 : LAPIC_BASE_BSP);
    }
    pthread_mutex_unlock(&l->lock);
}

void lapic_init_state(Lapic *l, X86Lapic *state)
{
    pthread_mutex_lock(&l->lock);
    registers_reset(l, state->reg, true);
    state->reg[LAPIC_ID] = register_read(l, LAPIC_ID);
    state->reg[LAPIC_VERSION] = VERSION;
    state->tsc_deadline = 0;
    pthread_mutex_unlock(&l->lock);
}

void lapic_get_state(Lapic *l, X86Lapic *state)
{
    pthread_mutex_lock(&l->lock);
    memcpy(state->reg, l->reg, sizeof l->reg);
    state->reg[LAPIC_ID] = register_read(l, LAPIC_ID);
    state->reg[LAPIC_VERSION] = VERSION;
    state->reg[LAPIC_PPR] = processor_priority(l);
    state->reg[LAPIC_TMCCT] = lapic_timer_count(l);
    state->timer_start = l->timer_start;
    state->tsc_deadline = l->tsc_deadline;
    if (lapic_timer_due(l)) {
        lapic_bit_set(state->reg + LAPIC_IRR, l->reg[LAPIC_LVT_TIMER]);
    }
    pthread_mutex_unlock(&l->lock);
}

/*
 * While paused, with the machine lock; or at INIT by the owner's thread, which takes
 * it: the timer is armed anew.
 */
void lapic_set_state(Lapic *l, const X86Lapic *state)
{
    bool inside = atomic_load(&l->cpu->in_guest);

    if (inside) {
        guest_leave(l->cpu);
        machine_lock();
    }
    pthread_mutex_lock(&l->lock);
    memcpy(l->reg, state->reg, sizeof l->reg);
    l->base = l->cpu->apic_base;
    l->timer_start = state->timer_start;
    l->tsc_deadline = state->tsc_deadline;
    lapic_timer_arm(l, clock_now(l->cpu->machine->clock));
    pthread_mutex_unlock(&l->lock);
    if (inside) {
        machine_unlock();
        guest_enter(l->cpu);
    }
}

Lapic *lapic_new(Cpu *cpu)
{
    Lapic *l = g_new0(Lapic, 1);

    l->cpu = cpu;
    l->id = cpu_apic_id(&cpu->soft->topology, cpu->index);
    pthread_mutex_init(&l->lock, NULL);
    l->timer = timer_new(cpu->machine->clock, lapic_timer_expired, l);
    lapic_reset(l, false);
    return l;
}

void lapic_free(Lapic *l)
{
    timer_free(l->timer);
    pthread_mutex_destroy(&l->lock);
    g_free(l);
}

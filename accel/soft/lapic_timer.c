/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer (SDM vol. 3, 11.5.4): one-shot, periodic and TSC-deadline.
 * Its expiry comes on the main thread, under the machine lock; the vCPU's own thread
 * arms it, leaving the guest for the machine lock.
 */

#include "accel/soft/lapic.h"
#include "base/lock.h"

/*
 * 11.5.4: bits 0, 1 and 3 encode 2 4 8 16 32 64 128 1.  The bus clock is 1 GHz: one
 * count of the undivided timer is 1 ns.
 */
static unsigned timer_shift(const Lapic *l)
{
    u32 code = l->reg[LAPIC_TDCR];

    return ((code & 3) + (code >> 1 & 4) + 1) & 7;
}

bool lapic_deadline_mode(const Lapic *l)
{
    return LAPIC_TIMER_MODE(l->reg[LAPIC_LVT_TIMER]) == LAPIC_TIMER_DEADLINE;
}

static u64 timer_period(const Lapic *l)
{
    return (u64)l->reg[LAPIC_TMICT] << timer_shift(l);
}

u32 lapic_timer_count(const Lapic *l)
{
    u64 period = timer_period(l), gone;

    if (!period || lapic_deadline_mode(l)) {
        return 0;
    }
    gone = clock_now(l->cpu->machine->clock) - l->timer_start;
    if (LAPIC_TIMER_MODE(l->reg[LAPIC_LVT_TIMER]) == LAPIC_TIMER_PERIODIC) {
        gone %= period;
    }
    return gone >= period ? 0 : (period - gone) >> timer_shift(l);
}

/*
 * Machine lock and `lock` held: arms the host's timer for the next expiry after `now`.
 */
void lapic_timer_arm(Lapic *l, u64 now)
{
    u64 period = timer_period(l), gone = now - l->timer_start;

    if (lapic_deadline_mode(l)) {
        if (l->tsc_deadline) {
            timer_set(l->timer, cpu_tsc_to_ns(l->cpu, l->tsc_deadline));
        } else {
            timer_cancel(l->timer);
        }
    } else if (!period) {
        timer_cancel(l->timer);
    } else if (LAPIC_TIMER_MODE(l->reg[LAPIC_LVT_TIMER]) == LAPIC_TIMER_PERIODIC) {
        timer_set(l->timer, l->timer_start + (gone / period + 1) * period);
    } else if (gone < period) {
        timer_set(l->timer, l->timer_start + period);
    }
}

bool lapic_timer_due(const Lapic *l)
{
    return timer_period(l) && !lapic_deadline_mode(l) &&
           !(l->reg[LAPIC_LVT_TIMER] & LAPIC_LVT_MASKED) &&
           timer_when(l->timer) <= clock_now(l->cpu->machine->clock);
}

/* Main thread, machine lock held. */
void lapic_timer_expired(void *opaque)
{
    Lapic *l = opaque;

    pthread_mutex_lock(&l->lock);
    l->tsc_deadline = 0;
    lapic_local_interrupt(l, LAPIC_LVT_TIMER);
    if (LAPIC_TIMER_MODE(l->reg[LAPIC_LVT_TIMER]) == LAPIC_TIMER_PERIODIC) {
        lapic_timer_arm(l, clock_now(l->cpu->machine->clock));
    }
    pthread_mutex_unlock(&l->lock);
}

/* The vCPU's own thread, in the guest, no lock held. */
void lapic_timer_changed(Lapic *l, bool restart)
{
    Cpu *cpu = l->cpu;
    u64 now;

    guest_leave(cpu);
    machine_lock();
    pthread_mutex_lock(&l->lock);
    now = clock_now(cpu->machine->clock);
    if (restart) {
        l->timer_start = now;
    }
    lapic_timer_arm(l, now);
    pthread_mutex_unlock(&l->lock);
    machine_unlock();
    guest_enter(cpu);
}

u64 lapic_tsc_deadline(Lapic *l)
{
    u64 deadline;

    pthread_mutex_lock(&l->lock);
    deadline = l->tsc_deadline;
    pthread_mutex_unlock(&l->lock);
    return deadline;
}

/* 11.5.4.1: ignored unless the timer is in TSC-deadline mode; 0 disarms. */
void lapic_set_tsc_deadline(Lapic *l, u64 tsc)
{
    bool past;

    if (!lapic_deadline_mode(l)) {
        return;
    }
    past = tsc && tsc <= cpu_tsc(l->cpu);
    pthread_mutex_lock(&l->lock);
    l->tsc_deadline = past ? 0 : tsc;
    if (past) {
        lapic_local_interrupt(l, LAPIC_LVT_TIMER);
    }
    pthread_mutex_unlock(&l->lock);
    if (!past) {
        lapic_timer_changed(l, false);
    }
}

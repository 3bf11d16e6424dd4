/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between local APICs, and to them from the IOAPIC and MSI (SDM vol. 3, 11.6
 * and 11.11).  Any thread, with or without the machine lock; no two LAPICs' locks are
 * held at once.
 */

#include "accel/soft/lapic.h"

typedef struct {
    u32 destination;
    bool logical;
    bool x2;                    /* the destination has 32 bits */
    u8 mode, vector;
    bool level, assert;
} Message;

/* 11.6.2.2: flat or cluster model, or x2APIC's fixed clusters (11.12.10.1). */
static bool logical_match(const Lapic *l, const Message *m)
{
    u32 ldr = l->reg[LAPIC_LDR];

    if (lapic_x2(l)) {
        u32 to = m->x2 ? m->destination :
                         (m->destination & 0xf0) << 12 | (m->destination & 15);

        return ldr >> 16 == to >> 16 && (ldr & to & 0xffff);
    }
    ldr >>= 24;
    if (l->reg[LAPIC_DFR] >> 28 == 0xf) {
        return ldr & m->destination;
    }
    return (ldr >> 4) == (m->destination >> 4 & 15) && (ldr & m->destination & 15);
}

static bool matches_locked(const Lapic *l, const Message *m)
{
    if (!(l->base & LAPIC_BASE_ENABLE)) {
        return m->mode == LAPIC_MODE_INIT && !m->logical && m->destination == l->id;
    }
    if (m->destination == (m->x2 ? 0xffffffff : 0xff)) {
        return true;
    }
    return m->logical ? logical_match(l, m) : m->destination == l->id;
}

static bool matches(Lapic *l, const Message *m)
{
    bool yes;

    pthread_mutex_lock(&l->lock);
    yes = matches_locked(l, m);
    pthread_mutex_unlock(&l->lock);
    return yes;
}

/*
 * The priority with which it competes for a message that one is to have; -1: it
 * doesn't.
 */
static int bid(Lapic *l, const Message *m)
{
    int priority;

    pthread_mutex_lock(&l->lock);
    priority = matches_locked(l, m) && lapic_enabled(l) ?
               (int)(l->reg[LAPIC_TPR] & 0xff) : -1;
    pthread_mutex_unlock(&l->lock);
    return priority;
}

static void receive_fixed(Lapic *l, const Message *m)
{
    pthread_mutex_lock(&l->lock);
    if (m->vector < 16) {
        lapic_error(l, LAPIC_ERROR_RECEIVE);
    } else if (lapic_enabled(l)) {
        u32 bit = 1u << m->vector % 32, *tmr = &l->reg[LAPIC_TMR + m->vector / 32];

        lapic_bit_set(l->reg + LAPIC_IRR, m->vector);
        *tmr = m->level ? *tmr | bit : *tmr & ~bit;
        cpu_request(l->cpu, REQUEST_INTERRUPT);
    }
    pthread_mutex_unlock(&l->lock);
}

static void receive(Lapic *l, const Message *m)
{
    switch (m->mode) {
    case LAPIC_MODE_FIXED:
    case LAPIC_MODE_LOWEST:
        receive_fixed(l, m);
        break;
    case LAPIC_MODE_NMI:
        cpu_request(l->cpu, REQUEST_NMI_IN);
        break;
    case LAPIC_MODE_INIT:
        /* a level de-assert only synchronises old APICs' arbitration ids */
        if (!m->level || m->assert) {
            cpu_request(l->cpu, REQUEST_INIT);
        }
        break;
    case LAPIC_MODE_SIPI:
        atomic_store(&l->cpu->sipi_sent, m->vector);
        cpu_request(l->cpu, REQUEST_SIPI);
        break;
    default: /* SMI: there is no system management mode */
        break;
    }
}

/* 11.6.2.4: the one with the lowest priority; the others wait. */
static void receive_lowest(Soft *soft, const Message *m)
{
    Lapic *best = NULL;
    int lowest = 0x100;

    for (unsigned i = 0; i < soft->cpus; i++) {
        int priority = bid(soft->cpu[i]->lapic, m);

        if (priority >= 0 && priority < lowest) {
            best = soft->cpu[i]->lapic;
            lowest = priority;
        }
    }
    if (best) {
        receive(best, m);
    }
}

static void send(Soft *soft, const Message *m)
{
    if (m->mode == LAPIC_MODE_LOWEST) {
        receive_lowest(soft, m);
        return;
    }
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (matches(soft->cpu[i]->lapic, m)) {
            receive(soft->cpu[i]->lapic, m);
        }
    }
}

void lapic_send(Lapic *l, u32 icr, u32 destination)
{
    Soft *soft = l->cpu->soft;
    Message m = {
        .destination = destination,
        .logical = icr >> 11 & 1,
        .x2 = lapic_x2(l),
        .mode = LAPIC_MODE(icr),
        .vector = icr,
        .level = icr >> 15 & 1,
        .assert = icr >> 14 & 1,
    };
    unsigned shorthand = icr >> 18 & 3;

    if (m.mode <= LAPIC_MODE_LOWEST && m.vector < 16) {
        pthread_mutex_lock(&l->lock);
        lapic_error(l, LAPIC_ERROR_SEND);
        pthread_mutex_unlock(&l->lock);
        return;
    }
    if (m.mode == LAPIC_MODE_FIXED) {
        m.level = false;                    /* 11.6.1: IPIs are edge-triggered */
    }
    if (!shorthand) {
        send(soft, &m);
        return;
    }
    for (unsigned i = 0; i < soft->cpus; i++) {     /* 1 self, 2 all, 3 all but self */
        bool self = soft->cpu[i] == l->cpu;

        if (shorthand == 2 || self == (shorthand == 1)) {
            receive(soft->cpu[i]->lapic, &m);
        }
    }
}

/* 11.11: the message's address names the destination, its data the rest. */
void lapics_message(Soft *soft, gpa address, u32 data)
{
    Message m = {
        .destination = address >> 12 & 0xff,
        .logical = address >> 2 & 1,
        .mode = LAPIC_MODE(data),
        .vector = data,
        .level = data >> 15 & 1,
        .assert = true,
    };

    send(soft, &m);
}

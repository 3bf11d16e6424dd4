/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interrupt line: a level that one model drives and another sees.  Under the machine
 * lock.  Whoever drives it calls irq_set only through the copy it was given; edges are
 * the receiver's business.
 */

#ifndef HW_CORE_IRQ_H
#define HW_CORE_IRQ_H

#include "base/types.h"

typedef struct {
    void (*set)(void *opaque, unsigned n, bool level);      /* NULL: not connected */
    void *opaque;
    /* which of the receiver's inputs */
    unsigned n;
} Irq;

static inline void irq_set(const Irq *irq, bool level)
{
    if (irq->set) {
        irq->set(irq->opaque, irq->n, level);
    }
}

static inline void irq_pulse(const Irq *irq)
{
    irq_set(irq, true);
    irq_set(irq, false);
}

#endif

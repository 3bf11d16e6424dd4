/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate of a node whose driver takes away what its map gave out: requests pass
 * through together, or one operation is inside alone.  First come, first served.
 *
 * Any thread.
 */

#ifndef BLOCK_GATE_H
#define BLOCK_GATE_H

#include "base/types.h"

typedef struct Gate Gate;

/* Who can't enter at once waits in the gate; `go` is called when it is inside. */
typedef struct GateWait GateWait;
struct GateWait {
    void (*go)(GateWait *wait);     /* any thread; does not wait */
    bool alone;
    GateWait *next;
};

Gate *gate_new(void);
void gate_free(Gate *gate);                             /* NULL is allowed */

/* True: inside.  False: `wait` is kept, and `go` is called later. */
bool gate_try(Gate *gate, GateWait *wait) must_check;
void gate_enter(Gate *gate, bool alone);                /* waits; NULL: no gate */
void gate_leave(Gate *gate);                            /* NULL: no gate */

#endif

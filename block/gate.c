/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lock for readers and writers whose waiters need not be threads: see gate.h.
 * Any thread.
 */

#include "block/gate.h"

#include <pthread.h>

struct Gate {
    pthread_mutex_t lock;
    unsigned inside;
    bool alone;                     /* the one inside is */
    GateWait *first, *last;         /* who waits */
};

Gate *gate_new(void)
{
    Gate *gate = g_new0(Gate, 1);

    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void gate_free(Gate *gate)
{
    if (gate) {
        g_assert(!gate->inside && !gate->first);
        pthread_mutex_destroy(&gate->lock);
        g_free(gate);
    }
}

static bool lets_in(const Gate *gate, const GateWait *wait)
{
    return wait->alone ? !gate->inside : !gate->alone;
}

static void let_in(Gate *gate, const GateWait *wait)
{
    gate->inside++;
    gate->alone = wait->alone;
}

bool gate_try(Gate *gate, GateWait *wait)
{
    bool in;

    pthread_mutex_lock(&gate->lock);
    in = !gate->first && lets_in(gate, wait);
    if (in) {
        let_in(gate, wait);
    } else {
        wait->next = NULL;
        if (gate->first) {
            gate->last->next = wait;
        } else {
            gate->first = wait;
        }
        gate->last = wait;
    }
    pthread_mutex_unlock(&gate->lock);
    return in;
}

void gate_leave(Gate *gate)
{
    GateWait *going = NULL, **end = &going;

    if (!gate) {
        return;
    }
    pthread_mutex_lock(&gate->lock);
    g_assert(gate->inside);
    gate->inside--;
    gate->alone = false;
    while (gate->first && lets_in(gate, gate->first)) {
        let_in(gate, gate->first);
        *end = gate->first;
        end = &gate->first->next;
        gate->first = gate->first->next;
        *end = NULL;
    }
    pthread_mutex_unlock(&gate->lock);
    while (going) {
        GateWait *next = going->next;       /* going may be gone after go */

        going->go(going);
        going = next;
    }
}

/* ---- a thread that waits ---- */

typedef struct {
    GateWait wait;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool in;
} ThreadWait;

static void wake_thread(GateWait *wait)
{
    ThreadWait *thread = container_of(wait, ThreadWait, wait);

    pthread_mutex_lock(&thread->lock);
    thread->in = true;
    pthread_cond_signal(&thread->wake);
    pthread_mutex_unlock(&thread->lock);
}

void gate_enter(Gate *gate, bool alone)
{
    ThreadWait thread = {
        { wake_thread, alone, NULL },
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false,
    };

    if (!gate || gate_try(gate, &thread.wait)) {
        return;
    }
    pthread_mutex_lock(&thread.lock);
    while (!thread.in) {
        pthread_cond_wait(&thread.wake, &thread.lock);
    }
    pthread_mutex_unlock(&thread.lock);
}

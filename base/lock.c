/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine lock: one mutex, and per thread whether it holds it.  Any thread.
 */

#include "base/lock.h"

#include <glib.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool held;

void machine_lock(void)
{
    g_assert(!held);
    pthread_mutex_lock(&lock);
    held = true;
}

void machine_unlock(void)
{
    g_assert(held);
    held = false;
    pthread_mutex_unlock(&lock);
}

bool machine_lock_held(void)
{
    return held;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an idle machine gives back: its caches of decoded and translated code and of
 * addresses.  A clone that has answered once holds 1.5 MiB of them, of which waiting
 * needs a tenth, and there may be a hundred such clones.
 *
 * Idle is who took less than a hundredth of a CPU for a while.  The while doubles each
 * time, so that one who is asked now and then does not begin anew again and again; and
 * caches that are large are kept, because they took more than some milliseconds to fill.
 *
 * On the thread of a vCPU that is about to sleep.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/soft.h"
#include <malloc.h>
#include <time.h>

enum { FIRST_WHILE_US = 1000 * 1000, LONGEST_WHILE_US = 64 * FIRST_WHILE_US };
enum { IDLE_SHARE = 100 };
enum { SMALL_BYTES = 512 << 10, LARGE_BYTES = 4 << 20 };

static s64 process_time_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

void idle_init(SoftIdle *idle)
{
    pthread_mutex_init(&idle->lock, NULL);
    idle->since = g_get_monotonic_time();
    idle->used = process_time_us();
    idle->length = FIRST_WHILE_US;
}

/* The while is over: was the machine idle in it?  Another one begins. */
static bool was_idle(SoftIdle *idle, s64 now)
{
    s64 used = process_time_us();
    bool yes = (used - idle->used) * IDLE_SHARE < now - idle->since;

    idle->used = used;
    idle->since = now;
    return yes;
}

static void give_back(Soft *soft, Cpu *self)
{
    Jit *jit = blocks_jit(soft->blocks);

    world_stop(soft, self);
    blocks_empty(soft);
    for (unsigned i = 0; i < soft->cpus; i++) {
        mmu_give_back(soft->cpu[i]);
    }
    if (jit) {
        jit_forget_hints(jit);
    }
    world_start(soft, self);
    malloc_trim(0);
}

void idle_note(Cpu *cpu)
{
    SoftIdle *idle = &cpu->soft->idle;
    s64 now = g_get_monotonic_time();
    u64 bytes;

    if (pthread_mutex_trylock(&idle->lock)) {
        return;                         /* another vCPU is about it */
    }
    if (now - idle->since >= idle->length && was_idle(idle, now)) {
        bytes = blocks_bytes(cpu->soft->blocks);
        if (bytes > SMALL_BYTES && bytes < LARGE_BYTES) {
            idle->length = MIN(idle->length * 2, LONGEST_WHILE_US);
            give_back(cpu->soft, cpu);
        }
    }
    pthread_mutex_unlock(&idle->lock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an idle machine gives back: its caches of decoded and translated code and of
 * addresses.  A clone that has answered once holds 1.5 MiB of them, of which waiting
 * needs a third, and there may be a hundred such clones.
 *
 * Idle is who took less than a hundredth of a CPU in a second.  What runs then, some
 * times a second, is not hot: its runs are counted anew, or in the end all of it would
 * be translated, for more time and memory than that ever saves; and where it misses a
 * table this does not grow.  After one such second the caches are given back; after
 * two, four ... a minute of them the next times, so that one who is asked now and then
 * does not begin anew again and again.  Large ones are kept, because they took more than
 * some milliseconds to fill.
 *
 * On the thread of a vCPU that is about to sleep.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/soft.h"
#include <malloc.h>
#include <time.h>

enum { WHILE_US = 1000 * 1000, IDLE_SHARE = 100, LONGEST_PATIENCE = 64 };
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
    idle->patience = 1;
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

static void rest(SoftIdle *idle, Cpu *cpu)
{
    u64 bytes = blocks_bytes(cpu->soft->blocks);

    if (bytes >= LARGE_BYTES) {
        return;
    }
    if (bytes > SMALL_BYTES && ++idle->whiles >= idle->patience) {
        idle->whiles = 0;
        idle->patience = MIN(idle->patience * 2, LONGEST_PATIENCE);
        give_back(cpu->soft, cpu);
    } else {
        blocks_cool(cpu->soft->blocks);
        cpu->jump_conflicts = cpu->tlb_conflicts = 0;
    }
}

void idle_note(Cpu *cpu)
{
    SoftIdle *idle = &cpu->soft->idle;
    s64 now = g_get_monotonic_time();

    if (pthread_mutex_trylock(&idle->lock)) {
        return;                         /* another vCPU is about it */
    }
    if (now - idle->since >= WHILE_US) {
        if (was_idle(idle, now)) {
            rest(idle, cpu);
        } else {
            idle->whiles = 0;
        }
    }
    pthread_mutex_unlock(&idle->lock);
}

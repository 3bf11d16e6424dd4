/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often translated code needed somebody else: for who wants to know why it is slow.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/opcodes.h"
#include <inttypes.h>

enum { ROWS_SHOWN = 12 };

void jit_counts_new(Cpu *cpu)
{
    cpu->jit_interpreted = g_new0(u64, opcode_count());
}

void jit_counts_free(Cpu *cpu)
{
    g_clear_pointer(&cpu->jit_interpreted, g_free);
}

typedef struct {
    const char *name;
    u64 n;
} Count;

static int more_first(const void *one, const void *two)
{
    const Count *a = one, *b = two;

    return (a->n < b->n) - (a->n > b->n);
}

/* Rows of one name together. */
static unsigned gather(const Cpu *cpu, Count *count)
{
    unsigned found = 0;

    for (unsigned i = 0; i < opcode_count(); i++) {
        u64 n = __atomic_load_n(&cpu->jit_interpreted[i], __ATOMIC_RELAXED);
        unsigned at = 0;

        while (n && at < found && strcmp(count[at].name, opcode_row(i)->name)) {
            at++;
        }
        if (n && at == found) {
            count[found++] = (Count){ opcode_row(i)->name, 0 };
        }
        count[at].n += n;
    }
    return found;
}

void jit_print_counts(const Cpu *cpu, GString *out)
{
    g_autofree Count *count = g_new0(Count, opcode_count() + 1);
    unsigned found;
    u64 all = 0;

    if (!cpu->soft->jit) {
        return;
    }
    found = gather(cpu, count);
    qsort(count, found, sizeof *count, more_first);
    for (unsigned i = 0; i < found; i++) {
        all += count[i].n;
    }
    g_string_append_printf(out,
                           "  translated code entered %" PRIu64
                           " times, left by %" PRIu64
                           " jumps that were not linked\n",
                           __atomic_load_n(&cpu->jit_entered, __ATOMIC_RELAXED),
                           __atomic_load_n(&cpu->jit_unlinked, __ATOMIC_RELAXED));
    g_string_append_printf(out, "  interpreted for it: %" PRIu64 "%s", all,
                           found ? ":" : "");
    for (unsigned i = 0; i < MIN(found, ROWS_SHOWN); i++) {
        g_string_append_printf(out, " %s %" PRIu64, count[i].name, count[i].n);
    }
    g_string_append(out, found > ROWS_SHOWN ? " ...\n" : "\n");
}

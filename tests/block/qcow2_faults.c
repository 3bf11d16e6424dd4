/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A qcow2 image on a file that fails: at every read, write and flush that a series of
 * operations makes, once or for a while, with ENOSPC or EIO.  Whatever fails, the image
 * must not be damaged, what was reported as done must be there, and when the file works
 * again so must the image.
 */

#include "tests/lib/qcow2_trial.h"

#include <errno.h>

enum { OPS = 40 };

static const struct {
    const char *create;
    bool snapshots;
} rows[] = {
    { "cluster_size=512,refcount_bits=64", false },
    { "cluster_size=1024", true },
    { "cluster_size=512,lazy_refcounts=on", false },
};

static const struct {
    MemOp op;
    int error;
    unsigned times;
} faults[] = {
    { MEM_WRITE, -ENOSPC, 1 }, { MEM_WRITE, -ENOSPC, 20 }, { MEM_WRITE, -EIO, 3 },
    { MEM_FLUSH, -EIO, 1 },    { MEM_FLUSH, -EIO, 5 },     { MEM_READ, -EIO, 1 },
};

/* Returns false when the fault came too late to be met. */
static bool one_run(unsigned row, unsigned fault, unsigned at)
{
    Trial *trial = trial_new(rows[row].create, "", 96 * 1024, 11);
    MemFile *file = trial->file;
    Qcow2Check result = { .say = NULL };
    bool met;

    trial->snapshots = rows[row].snapshots;
    trial->packs = true;
    file->calls[faults[fault].op] = 0;
    file->fail[faults[fault].op].from = at;
    file->fail[faults[fault].op].times = faults[fault].times;
    file->fail[faults[fault].op].error = faults[fault].error;
    for (unsigned i = 0; i < OPS; i++) {
        trial_step(trial);
    }
    met = file->calls[faults[fault].op] >= at;
    file->fail[faults[fault].op].times = 0;
    trial_compare(trial, trial->node);
    trial_flush(trial);
    g_assert_cmpint(g_array_index(trial->ops, TrialOp, OPS).error, ==, 0);
    for (unsigned i = 0; i < OPS; i++) {
        trial_step(trial);
        g_assert_cmpint(g_array_index(trial->ops, TrialOp, OPS + 1 + i).error, ==, 0);
    }
    trial_compare(trial, trial->node);
    g_assert_true(qcow2_check(trial->node, 0, &result, NULL));
    /* A snapshot operation that broke off has left the dirty bit instead. */
    g_assert_true(!result.corruptions || qcow2_info(trial->node).dirty);
    g_assert_cmpuint(result.check_errors, ==, 0);
    trial_free(trial);
    return met;
}

static void fails(gconstpointer opaque)
{
    unsigned row = GPOINTER_TO_UINT(opaque);

    for (unsigned fault = 0; fault < G_N_ELEMENTS(faults); fault++) {
        unsigned at = 1;

        while (one_run(row, fault, at)) {
            at++;
        }
        g_test_message("fault %u: %u places", fault, at - 1);
        g_assert_cmpuint(at, >, 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/qcow2/faults/%s", rows[i].create);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), fails);
    }
    return g_test_run();
}

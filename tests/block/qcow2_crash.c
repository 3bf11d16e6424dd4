/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A qcow2 image after a crash: random operations, then for every prefix of the writes
 * they made, and for random subsets of those since the last flush (a disk writes in any
 * order, and perhaps half of a request), the image that this leaves is opened.
 *
 * It must have no corruption, and every unit what was flushed or written since.  Leaks
 * are allowed; check -r leaks gives them back, and then there is nothing to find.
 * While a snapshot is made, applied or deleted, and with lazy refcounts, the counters
 * may be wrong, which the dirty bit says: then opening (or check -r all) has to make it
 * right.
 *
 * qemu-img check is asked about a sample.  MAYFLY_LONG=1 does more than 100000 crashes;
 * MAYFLY_SEED=N others.
 */

#include "tests/lib/qcow2_trial.h"

#include <string.h>
#include <unistd.h>

enum { SHORT_CRASHES = 3000, LONG_CRASHES = 120000, OPS = 60, SECTOR = 512 };

static const struct {
    const char *create, *open;
    u64 size;
    bool snapshots, packs;
} rows[] = {
    { "cluster_size=512", "", 200 * 512, false, true },
    { "cluster_size=512,refcount_bits=64", "", 300 * 512, true, true },
    { "cluster_size=1024,refcount_bits=1", "", 128 * 1024, false, true },
    { "cluster_size=2048,refcount_bits=8", "", 128 * 1024, true, false },
    { "cluster_size=4096", ",l2-cache-size=0,refcount-cache-size=0", MiB, true, true },
    { "cluster_size=512,compat=v2", "", 200 * 512, true, true },
    { "cluster_size=512,lazy_refcounts=on", "", 200 * 512, true, true },
    { "cluster_size=1024,compression_type=zstd", "", 128 * 1024, true, true },
};

typedef struct {
    Trial *trial;
    GByteArray *safe;               /* all up to the last flush */
    unsigned safe_n;                /* entries in it */
    unsigned crashes, to_ask;
} Crashes;

/* ---- what a crash leaves ---- */

static void put(GByteArray *to, const MemLog *e, u64 from, u64 n)
{
    u64 end = e->kind == LOG_LENGTH ? e->bytes : e->offset + from + n;

    if (e->kind == LOG_FLUSH) {
        return;
    }
    if (end > to->len) {
        guint old = to->len;

        g_byte_array_set_size(to, end);
        memset(to->data + old, 0, end - old);
    }
    if (e->kind == LOG_LENGTH) {
        g_byte_array_set_size(to, end);
    } else if (e->data) {
        memcpy(to->data + e->offset + from, e->data + from, n);
    } else {
        memset(to->data + e->offset + from, 0, n);
    }
}

/* Some of the sectors of a write, or none, or all. */
static void apply_torn(GRand *rand, GByteArray *to, const MemLog *e)
{
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        break;
    case 1:
        for (u64 at = 0; at < e->bytes && e->kind != LOG_LENGTH;) {
            u64 n = MIN(SECTOR - (e->offset + at) % SECTOR, e->bytes - at);

            if (g_rand_boolean(rand)) {
                put(to, e, at, n);
            }
            at += n;
        }
        break;
    default:
        put(to, e, 0, e->bytes);
    }
}

static GByteArray *crash_at(Crashes *c, unsigned n, bool in_order)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, c->safe->data, c->safe->len);
    for (unsigned i = c->safe_n; i < n; i++) {
        const MemLog *e = &g_array_index(c->trial->file->entries, MemLog, i);

        if (in_order) {
            put(bytes, e, 0, e->bytes);
        } else {
            apply_torn(c->trial->rand, bytes, e);
        }
    }
    return bytes;
}

/* ---- what it must be ---- */

/* Was a whole tree being counted? */
static bool in_upheaval(const Trial *trial, unsigned n)
{
    for (guint i = 0; i < trial->ops->len; i++) {
        const TrialOp *op = &g_array_index(trial->ops, TrialOp, i);

        if (op->kind >= TRIAL_SNAPSHOT && op->kind <= TRIAL_DELETE && op->from < n &&
            n <= op->to) {
            return true;
        }
    }
    return false;
}

static void print_finding(void *opaque, const char *line)
{
    g_test_message("%s", line);
}

static Qcow2Check check(BlockNode *node, unsigned fix)
{
    Qcow2Check result = { .say = NULL };
    g_autoptr(GError) err = NULL;

    g_assert_true(qcow2_check(node, fix, &result, &err));
    return result;
}

static void say_why(BlockNode *node)
{
    Qcow2Check result = { .say = print_finding };

    (void)!qcow2_check(node, 0, &result, NULL);
}

/* Repaired, the image must be without a finding. */
static void mend(BlockNode *node, unsigned fix)
{
    Qcow2Check result;

    (void)check(node, fix);
    result = check(node, 0);
    if (result.corruptions || result.leaks || result.check_errors) {
        say_why(node);
    }
    g_assert_cmpuint(result.corruptions + result.leaks + result.check_errors, ==, 0);
}

static int ask_qemu(const GByteArray *bytes, const char *how)
{
    g_autofree char *path = NULL;
    g_autofree char *command = NULL;
    int fd = g_file_open_tmp("mayfly-crash-XXXXXX", &path, NULL), status;

    close(fd);
    g_assert_true(
        g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
    command = g_strdup_printf("qemu-img check -q -f qcow2 %s %s > /dev/null 2>&1", how,
                              path);
    status = system(command);
    unlink(path);
    return WEXITSTATUS(status);
}

/* Its opinion: 0 clean, 3 leaks; corruption only where the counters may be wrong. */
static void second_opinion(Crashes *c, const GByteArray *bytes, bool excused)
{
    int status = ask_qemu(bytes, "");

    if (status == 127) {
        return;                     /* it is not installed */
    }
    if (status != 0 && status != 3) {
        g_assert_true(excused);
        g_assert_cmpint(ask_qemu(bytes, "-r all"), ==, 0);
    } else if (status == 3) {
        g_assert_cmpint(ask_qemu(bytes, "-r leaks"), ==, 0);
    }
    c->to_ask--;
}

static void judge(Crashes *c, unsigned n, const GByteArray *bytes)
{
    g_autoptr(GError) err = NULL;
    BlockNode *node = trial_open(bytes, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_CHECK, "",
                                 &err);
    bool excused = in_upheaval(c->trial, n);
    Qcow2Check found;

    g_assert_no_error(err);
    excused = excused || qcow2_info(node).dirty;
    found = check(node, 0);
    if (found.corruptions && !excused) {
        say_why(node);
        g_test_message("crash at entry %u", n);
    }
    g_assert_true(!found.corruptions || excused);
    g_assert_true(trial_may_be(c->trial, node, n));
    if (c->to_ask && g_rand_int_range(c->trial->rand, 0, 20) == 0) {
        second_opinion(c, bytes, excused);
    }
    if (excused || c->crashes % 8 == 0) {
        mend(node, excused ? QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS : QCOW2_FIX_LEAKS);
        g_assert_true(trial_may_be(c->trial, node, n));
    }
    node_unref(node);
    c->crashes++;
}

/* ---- runs ---- */

static void crash_everywhere(Crashes *c)
{
    GArray *entries = c->trial->file->entries;
    unsigned last = entries->len;

    for (unsigned n = 0; n <= last; n++) {
        for (unsigned way = 0; way < 3; way++) {
            g_autoptr(GByteArray) bytes = crash_at(c, n, way == 0);

            judge(c, n, bytes);
        }
        if (n < last && g_array_index(entries, MemLog, n).kind == LOG_FLUSH) {
            GByteArray *safe = crash_at(c, n, true);

            g_byte_array_unref(c->safe);
            c->safe = safe;
            c->safe_n = n + 1;
        }
    }
}

static unsigned one_run(unsigned row, u32 seed, unsigned to_ask)
{
    Crashes c = { .to_ask = to_ask };
    Trial *trial = trial_new(rows[row].create, rows[row].open, rows[row].size, seed);

    trial->snapshots = rows[row].snapshots;
    trial->packs = rows[row].packs;
    for (unsigned i = 0; i < OPS; i++) {
        trial_step(trial);
        if (g_array_index(trial->ops, TrialOp, trial->ops->len - 1).error) {
            g_test_message("operation %u (%d) failed", i,
                           g_array_index(trial->ops, TrialOp, i).kind);
        }
        g_assert_cmpint(g_array_index(trial->ops, TrialOp, i).error, ==, 0);
    }
    trial_compare(trial, trial->node);
    c.trial = trial;
    c.safe = g_byte_array_new();
    g_byte_array_append(c.safe, trial->begin->data, trial->begin->len);
    crash_everywhere(&c);
    g_byte_array_unref(c.safe);
    trial_free(trial);
    return c.crashes;
}

static void crashes(gconstpointer opaque)
{
    unsigned row = GPOINTER_TO_UINT(opaque);
    bool is_long = g_getenv("MAYFLY_LONG") != NULL;
    unsigned want = (is_long ? LONG_CRASHES : SHORT_CRASHES) / G_N_ELEMENTS(rows);
    const char *text = g_getenv("MAYFLY_SEED");
    u32 seed = text ? strtoul(text, NULL, 0) : 1;
    unsigned done = 0;

    while (done < want) {
        g_test_message("%s: seed %u", rows[row].create, seed);
        done += one_run(row, seed++, is_long ? 40 : 4);
    }
    g_test_message("%u crashes", done);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/qcow2/crash/%s%s", rows[i].create,
                                                rows[i].open);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), crashes);
    }
    return g_test_run();
}

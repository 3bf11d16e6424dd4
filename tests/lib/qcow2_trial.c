/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See qcow2_trial.h.
 */

#include "tests/lib/qcow2_trial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WRITE_UNITS = 40 };

/* ---- images ---- */

GByteArray *trial_create(const char *options, u64 size)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVals) pairs = keyvals_parse(options, NULL, NULL);
    int fd = g_file_open_tmp("mayfly-qcow2-XXXXXX", &path, NULL);
    BlockCreate create = { path, size, pairs };
    GByteArray *bytes = g_byte_array_new();
    char *text;
    gsize n;

    close(fd);
    g_assert_true(node_create("qcow2", &create, &err));
    g_assert_true(g_file_get_contents(path, &text, &n, NULL));
    g_byte_array_append(bytes, (const u8 *)text, n);
    g_free(text);
    unlink(path);
    return bytes;
}

BlockNode *trial_open(const GByteArray *bytes, BlockFlags flags, const char *options,
                    GError **err)
{
    static unsigned next;
    g_autofree char *name = g_strdup_printf("mem%u", next++);
    g_autofree char *text = g_strdup_printf("driver=qcow2,file=%s%s", name, options);
    g_autoptr(KeyVals) pairs = keyvals_parse(text, NULL, NULL);
    BlockNode *file = mem_node(name, 0);
    BlockNode *node;

    g_byte_array_append(mem_file(file)->bytes, bytes->data, bytes->len);
    node_set_length(file, bytes->len);
    node = node_open(pairs, flags, err);
    node_unref(file);
    return node;
}

Trial *trial_new(const char *create, const char *open, u64 size, u32 seed)
{
    Trial *trial = g_new0(Trial, 1);
    g_autoptr(GError) err = NULL;

    trial->begin = trial_create(create, size);
    trial->node = trial_open(trial->begin, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP,
                             open, &err);
    g_assert_no_error(err);
    trial->file = mem_file(trial->node->file);
    trial->file->log = true;
    trial->rand = g_rand_new_with_seed(seed);
    trial->units = size / TRIAL_UNIT;
    trial->now = g_new0(u32, trial->units);
    trial->next = 1;
    trial->ops = g_array_new(FALSE, FALSE, sizeof(TrialOp));
    return trial;
}

void trial_free(Trial *trial)
{
    for (guint i = 0; i < trial->ops->len; i++) {
        g_free(g_array_index(trial->ops, TrialOp, i).content);
    }
    g_array_unref(trial->ops);
    g_byte_array_unref(trial->begin);
    node_unref(trial->node);
    g_rand_free(trial->rand);
    g_free(trial->now);
    g_free(trial->saved);
    g_free(trial);
}

/* ---- operations ---- */

static u32 below(Trial *trial, u32 n)
{
    return g_rand_int_range(trial->rand, 0, n);
}

static void fill(u8 *to, u64 units, u32 number)
{
    u32 *word = (u32 *)to;

    for (u64 i = 0; i < units * TRIAL_UNIT / 4; i++) {
        word[i] = number;
    }
}

static int do_write(Trial *trial, TrialOp *op)
{
    g_autofree u8 *data = g_malloc(op->n * TRIAL_UNIT);

    op->number = trial->next++;
    fill(data, op->n, op->number);
    return node_write(trial->node, op->unit * TRIAL_UNIT, data, op->n * TRIAL_UNIT);
}

static int do_zero(Trial *trial, TrialOp *op)
{
    return node_write_zeroes(trial->node, op->unit * TRIAL_UNIT, op->n * TRIAL_UNIT,
                             below(trial, 2));
}

/* Clusters that are discarded read as zeroes in version 3; only whole ones go. */
static int do_discard(Trial *trial, TrialOp *op)
{
    u64 per = qcow2_cluster_size(trial->node) / TRIAL_UNIT;

    op->unit -= op->unit % per;
    op->n = MIN((op->n + per - 1) / per * per, trial->units - op->unit);
    return node_discard(trial->node, op->unit * TRIAL_UNIT, op->n * TRIAL_UNIT);
}

/* One cluster, if it is not there yet; otherwise nothing. */
static int do_pack(Trial *trial, TrialOp *op)
{
    u64 per = qcow2_cluster_size(trial->node) / TRIAL_UNIT;
    g_autofree u8 *data = g_malloc(per * TRIAL_UNIT);
    int error;

    op->unit -= op->unit % per;
    op->n = MIN(per, trial->units - op->unit);
    op->number = trial->next++;
    fill(data, op->n, op->number);
    error = qcow2_write_compressed(trial->node, op->unit * TRIAL_UNIT, data,
                                   op->n * TRIAL_UNIT);
    if (error == -EEXIST) {
        op->n = 0;
        return 0;
    }
    return error;
}

static int do_flush(Trial *trial, TrialOp *op)
{
    op->n = 0;
    return node_flush(trial->node);
}

static int do_snapshot(Trial *trial, TrialOp *op)
{
    op->n = 0;
    if (trial->saved) {
        return 0;
    }
    if (!qcow2_snapshot_create(trial->node, "s", NULL)) {
        return -EIO;
    }
    trial->saved = g_memdup2(trial->now, trial->units * sizeof(u32));
    return 0;
}

static int do_apply(Trial *trial, TrialOp *op)
{
    op->n = 0;
    if (!trial->saved) {
        return 0;
    }
    op->n = trial->units;
    op->unit = 0;
    if (!qcow2_snapshot_apply(trial->node, "s", NULL)) {
        return -EIO;
    }
    memcpy(trial->now, trial->saved, trial->units * sizeof(u32));
    return 0;
}

static int do_delete(Trial *trial, TrialOp *op)
{
    op->n = 0;
    if (!trial->saved) {
        return 0;
    }
    if (!qcow2_snapshot_delete(trial->node, "s", NULL)) {
        return -EIO;
    }
    g_clear_pointer(&trial->saved, g_free);
    return 0;
}

static const struct {
    int (*run)(Trial *trial, TrialOp *op);
    unsigned weight;
} kinds[TRIAL_KINDS] = {
    [TRIAL_WRITE] = { do_write, 60 },  [TRIAL_ZERO] = { do_zero, 10 },
    [TRIAL_DISCARD] = { do_discard, 8 }, [TRIAL_FLUSH] = { do_flush, 12 },
    [TRIAL_SNAPSHOT] = { do_snapshot, 2 }, [TRIAL_APPLY] = { do_apply, 1 },
    [TRIAL_DELETE] = { do_delete, 2 }, [TRIAL_PACK] = { do_pack, 10 },
};

static TrialKind choose(Trial *trial)
{
    for (;;) {
        TrialKind kind = below(trial, TRIAL_KINDS);

        if (below(trial, 60) < kinds[kind].weight &&
            (trial->packs || kind != TRIAL_PACK) &&
            (trial->snapshots || kind < TRIAL_SNAPSHOT || kind == TRIAL_PACK)) {
            return kind;
        }
    }
}

static void run(Trial *trial, TrialKind kind)
{
    TrialOp op = { .kind = kind, .from = trial->file->entries->len };

    op.unit = below(trial, trial->units);
    op.n = 1 + below(trial, 1 + below(trial, WRITE_UNITS));
    op.n = MIN(op.n, trial->units - op.unit);
    op.error = kinds[kind].run(trial, &op);
    op.to = trial->file->entries->len;
    if (kind != TRIAL_APPLY && !op.error) {
        for (u64 i = 0; i < op.n; i++) {
            trial->now[op.unit + i] = op.number;
        }
    }
    if (!op.error && (kind == TRIAL_FLUSH || (kind == TRIAL_APPLY && op.n))) {
        op.content = g_memdup2(trial->now, trial->units * sizeof(u32));
    }
    g_array_append_val(trial->ops, op);
}

void trial_step(Trial *trial)
{
    run(trial, choose(trial));
}

void trial_flush(Trial *trial)
{
    run(trial, TRIAL_FLUSH);
}

GByteArray *trial_image(const char *create, u64 size, u32 seed)
{
    Trial *trial = trial_new(create, "", size, seed);
    GByteArray *bytes = g_byte_array_new();

    trial->packs = true;
    trial->snapshots = strstr(create, "refcount_bits=1") == NULL;
    for (unsigned i = 0; i < 40; i++) {
        trial_step(trial);
    }
    trial_flush(trial);
    g_byte_array_append(bytes, trial->file->bytes->data, trial->file->bytes->len);
    trial_free(trial);
    return bytes;
}

/* ---- what may be ---- */

static bool unit_has(const u8 *at, u32 number)
{
    u32 word;

    memcpy(&word, at, sizeof word);
    return word == number && memcmp(at, at + 4, TRIAL_UNIT - 4) == 0;
}

/* Could this unit have been written by an operation in [first, end)? */
static bool was_written(const Trial *trial, u64 unit, const u8 *at, guint first,
                        guint end)
{
    for (guint i = first; i < end; i++) {
        const TrialOp *op = &g_array_index(trial->ops, TrialOp, i);

        if (unit < op->unit || unit >= op->unit + op->n) {
            continue;
        }
        if (op->kind == TRIAL_APPLY ? op->content && unit_has(at, op->content[unit])
                                  : unit_has(at, op->number)) {
            return true;
        }
    }
    return false;
}

static u8 *disk_read(Trial *trial, BlockNode *node)
{
    u8 *disk = g_malloc(trial->units * TRIAL_UNIT);
    int error = node_read(node, 0, disk, trial->units * TRIAL_UNIT);

    if (error) {
        g_test_message("the disk can't be read: %s", g_strerror(-error));
        g_clear_pointer(&disk, g_free);
    }
    return disk;
}

static bool judge(Trial *trial, BlockNode *node, const u32 *settled, guint first,
                  guint end)
{
    g_autofree u8 *disk = disk_read(trial, node);

    for (u64 unit = 0; disk && unit < trial->units; unit++) {
        const u8 *at = disk + unit * TRIAL_UNIT;

        if (!unit_has(at, settled ? settled[unit] : 0) &&
            !was_written(trial, unit, at, first, end)) {
            g_test_message("unit %" G_GUINT64_FORMAT ": 0x%x instead of %u", unit,
                           *(const u32 *)at, settled ? settled[unit] : 0);
            return false;
        }
    }
    return disk != NULL;
}

bool trial_may_be(Trial *trial, BlockNode *node, unsigned n)
{
    const u32 *settled = NULL;
    guint first = 0, end;

    for (end = 0; end < trial->ops->len; end++) {
        const TrialOp *op = &g_array_index(trial->ops, TrialOp, end);

        if (op->from >= n && n) {
            break;
        }
        if (op->content && op->to <= n) {
            settled = op->content;
            first = end + 1;
        }
    }
    return judge(trial, node, settled, first, end);
}

void trial_compare(Trial *trial, BlockNode *node)
{
    guint first = trial->ops->len;

    /* After an error both the old and the new are right, and what was before. */
    for (guint i = 0; i < trial->ops->len; i++) {
        if (g_array_index(trial->ops, TrialOp, i).error) {
            first = 0;
        }
    }
    g_assert_true(judge(trial, node, trial->now, first, trial->ops->len));
}

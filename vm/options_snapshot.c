/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -loadvm, -snapshot-when, and how the options in a snapshot and those beside -loadvm
 * become one command line (the table's column `restore`).  Main thread.
 */

#include "vm/options.h"

#include "base/keyval.h"
#include "vm/snapshot.h"
#include "vm/snapshot_lock.h"
#include "vm/snapshot_sums.h"

#include <string.h>

static const char *const prefetch_names[] = { "on", "off", "record", NULL };
const Field loadvm_rows[] = LOADVM_OPTION(STATE_ROWS);
const Field when_rows[] = WHEN_OPTION(STATE_ROWS);

bool loadvm_check(VmConfig *config, const char *value, GError **err)
{
    (void)value;
    if (config->loadvm.until && config->loadvm.prefetch != PREFETCH_RECORD) {
        return refuse(err, "until= goes with prefetch=record");
    }
    return config->loadvm.name || refuse(err, "the snapshot's name is missing");
}

bool persist_check(VmConfig *config, const char *value, GError **err)
{
    (void)value;
    return config->loadvm.name ||
           refuse(err, "there is no snapshot to continue: -loadvm is missing");
}

bool when_check(VmConfig *config, const char *value, GError **err)
{
    (void)value;
    if (!config->when.text || !*config->when.text) {
        return refuse(err, "the text is missing");
    }
    return config->when.to ||
           refuse(err, "to=NAME is missing: where the snapshot goes");
}

/* ---- merging ---- */

typedef struct {
    VmConfig *config;
    const char **last;          /* what was given, by row; what is added is not noted */
    GPtrArray *fixed;           /* char *: RESTORE_FIXED names and values as given */
    GHashTable *ids;            /* "netdev id" that were given */
} Merge;

static const char *given(const Merge *merge, const char *name)
{
    const Option *o = name ? option_find(name) : NULL;

    return o ? merge->last[o - option_rows] : NULL;
}

static char *id_key(const Option *o, const char *value)
{
    g_autoptr(KeyVals) kv = keyvals_parse(value, "first", NULL);
    const char *id = kv ? keyvals_get(kv, "id") : NULL;

    return g_strdup_printf("%s %s", o->name, id ? id : "");
}

/* Was what the snapshot says here given anew? */
static bool is_replaced(const Merge *merge, const Option *o, const char *value)
{
    g_autofree char *key = NULL;

    if (given(merge, o->yields) ||
        (o->restore == RESTORE_ANEW && merge->last[o - option_rows])) {
        return true;
    }
    key = o->restore == RESTORE_BY_ID && value ? id_key(o, value) : NULL;
    return key && g_hash_table_contains(merge->ids, key);
}

/* It was given, too, and with this value? */
static bool is_given(Merge *merge, const char *name, const char *value)
{
    for (unsigned i = 0; i < merge->fixed->len; i += 2) {
        if (strcmp(merge->fixed->pdata[i], name) == 0 &&
            strcmp(merge->fixed->pdata[i + 1], value) == 0) {
            g_ptr_array_remove_range(merge->fixed, i, 2);
            return true;
        }
    }
    return false;
}

/* SnapshotWordFn */
static bool add_stored(void *opaque, const char *name, const char *value, GError **err)
{
    Merge *merge = opaque;
    const Option *o = option_find(name);

    if (!o || o->kind == TAKE_HELP || o->restore == RESTORE_HOST ||
        o->restore == RESTORE_DISK) {
        return refuse(err, "options: there is no '-%s' that a snapshot may have", name);
    }
    if (is_replaced(merge, o, value)) {
        return true;
    }
    if (!value) {
        return refuse(err, "options: its -%s would reach for this host: give -%s anew",
                      name, name);
    }
    if (!is_given(merge, name, value) &&
        !option_take(o, merge->config, value, err)) {
        g_prefix_error(err, "options: -%s %s: ", name, value);
        return false;
    }
    return true;
}

/* Splits what was given: what a snapshot decides alone must be the same there. */
static bool note_given(Merge *merge, GError **err)
{
    const GPtrArray *words = merge->config->words;

    for (const Option *o = option_rows; o->help; o++) {
        if (o->restore == RESTORE_DISK && merge->last[o - option_rows]) {
            return refuse(err, "-%s: the disks are the snapshot's", o->name);
        }
    }
    for (unsigned i = 0; i < words->len; i += 2) {
        const Option *o = option_find(words->pdata[i]);

        if (o->restore == RESTORE_FIXED) {
            g_ptr_array_add(merge->fixed, words->pdata[i]);
            g_ptr_array_add(merge->fixed, words->pdata[i + 1]);
        } else if (o->restore == RESTORE_BY_ID) {
            g_hash_table_add(merge->ids, id_key(o, words->pdata[i + 1]));
        }
    }
    return true;
}

static bool merge_all(Merge *merge, GError **err)
{
    const GPtrArray *fixed = merge->fixed;

    if (!note_given(merge, err) ||
        !snapshot_words(merge->config->loaded, add_stored, merge, err)) {
        return false;
    }
    if (!snapshot_drives(merge->config->loaded, merge->config, err)) {
        return false;
    }
    return fixed->len == 0 ||
           refuse(err, "-%s %s: the snapshot decides this; leave it out",
                  (char *)fixed->pdata[0], (char *)fixed->pdata[1]);
}

bool snapshot_options(VmConfig *config, const char **last, GError **err)
{
    Merge merge = { .config = config, .last = last };
    g_autofree char *path = NULL;
    bool done;

    if (!config->loadvm.name) {
        return true;
    }
    if (config->loadvm.until && config->when.text) {
        return refuse(err, "-loadvm: until= and -snapshot-when can't both wait for a "
                      "text");
    }
    path = snapshot_path(config->loadvm.name);
    if (!snapshot_lock_run(path, config->persist, err)) {
        g_prefix_error(err, "-loadvm: ");
        return false;
    }
    if (config->loadvm.check && !sums_check(path, err)) {
        g_prefix_error(err, "-loadvm: ");
        return false;
    }
    config->loaded = snapshot_open(config->loadvm.name, err);
    merge.fixed = g_ptr_array_new();
    merge.ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    done = config->loaded && merge_all(&merge, err);
    if (!done) {
        g_prefix_error(err, "-loadvm %s: ", config->loadvm.name);
    }
    g_ptr_array_unref(merge.fixed);
    g_hash_table_unref(merge.ids);
    return done;
}

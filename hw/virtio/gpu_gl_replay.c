/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the stream that makes a context anew: see gpu_gl_record.h.
 *
 * An object whose resource the driver has given back meanwhile is left out where
 * nothing uses it: its driver is about to destroy it.  A place of state that names a
 * resource which is gone is empty.
 */

#include "hw/virtio/gpu_gl_record.h"

typedef struct {
    GlRecord *record;
    GlSub *sub;
    GArray *out;                    /* u32 */
    GlAnswered *answered;
    void *opaque;
    const GlCommandRow *row;        /* of the state that is being looked at */
    const char *why;                /* a reason not to, or NULL */
} Replay;

static void say(Replay *r, u32 command, u32 word)
{
    u32 words[] = { VIRGL_HEADER(command, 0, 1), word };

    g_array_append_vals(r->out, words, 2);
}

static bool is_attached(const Replay *r, u32 resource, u64 *serial)
{
    const u64 *now = g_hash_table_lookup(r->record->attached,
                                         GUINT_TO_POINTER(resource));

    *serial = now ? *now : 0;
    return now;
}

/* Its resource is the one that it was made for. */
static bool is_whole(const Replay *r, const GlObject *object)
{
    u64 serial;

    return !object->resource || (is_attached(r, object->resource, &serial) &&
                                 serial == object->resource_serial);
}

static const GlObject *find(const Replay *r, u32 handle)
{
    for (unsigned i = 0; i < r->sub->ghosts->len; i++) {
        const GlObject *ghost = g_ptr_array_index(r->sub->ghosts, i);

        if (ghost->handle == handle) {
            return ghost;
        }
    }
    return g_hash_table_lookup(r->sub->objects, GUINT_TO_POINTER(handle));
}

/* ---- objects ---- */

static void judge_object(Replay *r, const GlObject *object)
{
    static const char *const states[] = {
        [QUERY_RUNS] = "a query that runs",
        [QUERY_ENDED] = "a query whose result has not been asked for",
        [QUERY_ASKED] = "a query whose result has not come",
    };

    if (object->type == VIRGL_STREAMOUT_TARGET) {
        r->why = "a streamout target";
    } else if (object->type == VIRGL_QUERY && object->query != QUERY_IDLE &&
               !(object->query == QUERY_ASKED &&
                 r->answered(r->opaque, object->resource))) {
        r->why = states[object->query];
    }
}

static gint by_serial(gconstpointer a, gconstpointer b)
{
    u64 x = **(u64 *const *)a, y = **(u64 *const *)b;

    return x < y ? -1 : x > y;
}

static void add_values(GPtrArray *to, GHashTable *from)
{
    GHashTableIter each;
    gpointer value;

    g_hash_table_iter_init(&each, from);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        g_ptr_array_add(to, value);
    }
}

static void make_objects(Replay *r)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    gl_sub_prune(r->sub);
    add_values(all, r->sub->objects);
    for (unsigned i = 0; i < r->sub->ghosts->len; i++) {
        const GlObject *ghost = g_ptr_array_index(r->sub->ghosts, i);

        if (find(r, ghost->handle) != ghost ||
            g_hash_table_contains(r->sub->objects, GUINT_TO_POINTER(ghost->handle))) {
            r->why = "an object in use whose number another one has got";
        }
        g_ptr_array_add(all, (gpointer)ghost);
    }
    g_ptr_array_sort(all, by_serial);
    for (unsigned i = 0; i < all->len; i++) {
        const GlObject *object = g_ptr_array_index(all, i);

        judge_object(r, object);
        if (is_whole(r, object)) {
            g_array_append_vals(r->out, object->words->data, object->words->len);
        }
    }
}

/* ---- state ---- */

static void check_object(void *opaque, u32 *handle)
{
    Replay *r = opaque;
    const GlObject *object = *handle ? find(r, *handle) : NULL;

    if (!object) {
        *handle = 0;
    } else if (!is_whole(r, object)) {
        r->why = "a picture in use that its driver has given back";
    }
}

static void check_resource(void *opaque, u32 *resource)
{
    u64 serial;

    if (*resource && !is_attached(opaque, *resource, &serial)) {
        *resource = 0;
    }
}

static void refuse(void *opaque, u32 *name)
{
    Replay *r = opaque;

    if (*name) {
        r->why = r->row->why;
    }
}

static void set_state(Replay *r)
{
    static GlName *const checks[] = {
        [NAMES_NOTHING] = refuse, [NAMES_OBJECTS] = check_object,
        [NAMES_RESOURCES] = check_resource, [NAMES_REFUSED] = refuse,
    };
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    add_values(all, r->sub->state);
    g_ptr_array_sort(all, by_serial);
    for (unsigned i = 0; i < all->len; i++) {
        const GlState *state = g_ptr_array_index(all, i);
        u32 at = r->out->len + 1;

        r->row = &gl_command_rows[state->word[0] & 0xff];
        g_array_append_vals(r->out, state->word, state->n);
        gl_each_name(r->row, &g_array_index(r->out, u32, at), state->n - 1,
                     checks[r->row->names], r);
    }
    for (unsigned i = 0; i < r->sub->ghosts->len; i++) {
        const GlObject *ghost = g_ptr_array_index(r->sub->ghosts, i);

        say(r, VIRGL_DESTROY_OBJECT, ghost->handle);
    }
}

/* ---- all ---- */

GArray *gl_record_stream(GlRecord *record, GlAnswered *answered, void *opaque,
                         const char **why)
{
    g_autoptr(GArray) out = g_array_new(false, false, 4);
    Replay r = { .record = record, .out = out, .answered = answered,
                 .opaque = opaque, .why = record->never };

    for (unsigned i = 0; !record->lost && i < record->subs->len; i++) {
        r.sub = g_ptr_array_index(record->subs, i);
        if (r.sub->id) {
            say(&r, VIRGL_CREATE_SUB_CTX, r.sub->id);
        }
        say(&r, VIRGL_SET_SUB_CTX, r.sub->id);
        make_objects(&r);
        set_state(&r);
    }
    if (!record->lost) {
        say(&r, VIRGL_SET_SUB_CTX, record->now->id);
    }
    *why = r.why;
    return r.why ? NULL : g_steal_pointer(&out);
}

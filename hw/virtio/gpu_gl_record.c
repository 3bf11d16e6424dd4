/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the commands that made a context what it is: see gpu_gl_record.h.
 */

#include "hw/virtio/gpu_gl_record.h"

#include <string.h>

enum { KEPT_MAX = 64 << 20, SUBS_MAX = 256, GHOSTS_MAX = 256, SHADERS = 6 };
#define CONTINUED (1u << 31)            /* a shader's part that is not the first */

/* ---- life ---- */

static void free_object(gpointer opaque)
{
    GlObject *object = opaque;

    g_array_unref(object->words);
    g_free(object);
}

static void free_state(gpointer opaque)
{
    g_free(((GlState *)opaque)->word);
    g_free(opaque);
}

static void free_sub(gpointer opaque)
{
    GlSub *sub = opaque;

    g_hash_table_unref(sub->objects);
    g_hash_table_unref(sub->state);
    g_ptr_array_unref(sub->ghosts);
    g_free(sub);
}

static GlSub *add_sub(GlRecord *record, u32 id)
{
    GlSub *sub = g_new0(GlSub, 1);

    sub->id = id;
    sub->objects = g_hash_table_new_full(NULL, NULL, NULL, free_object);
    sub->state = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_state);
    sub->ghosts = g_ptr_array_new_with_free_func(free_object);
    g_ptr_array_add(record->subs, sub);
    return sub;
}

GlRecord *gl_record_new(void)
{
    GlRecord *record = g_new0(GlRecord, 1);

    record->subs = g_ptr_array_new_with_free_func(free_sub);
    record->attached = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    record->now = add_sub(record, 0);
    return record;
}

void gl_record_free(GlRecord *record)
{
    g_ptr_array_unref(record->subs);
    g_hash_table_unref(record->attached);
    g_free(record);
}

void gl_record_attach(GlRecord *record, u32 resource, u64 serial)
{
    g_hash_table_insert(record->attached, GUINT_TO_POINTER(resource),
                        g_memdup2(&serial, sizeof serial));
}

void gl_record_detach(GlRecord *record, u32 resource)
{
    g_hash_table_remove(record->attached, GUINT_TO_POINTER(resource));
}

static bool takes(GlRecord *record, size_t words)
{
    record->kept += words;
    record->now->kept += words;
    if (record->kept > KEPT_MAX) {
        record->never = "more objects than are followed";
    }
    return !record->never;
}

/* ---- sub-contexts ---- */

static GlSub *find_sub(GlRecord *record, u32 id)
{
    for (unsigned i = 0; i < record->subs->len; i++) {
        GlSub *sub = g_ptr_array_index(record->subs, i);

        if (sub->id == id) {
            return sub;
        }
    }
    return NULL;
}

static void sub_command(GlRecord *record, u32 command, u32 id)
{
    GlSub *sub = find_sub(record, id);

    if (command == VIRGL_CREATE_SUB_CTX && !sub) {
        if (record->subs->len >= SUBS_MAX) {
            record->never = "more sub-contexts than are followed";
            return;
        }
        record->now = add_sub(record, id);
    } else if (command == VIRGL_SET_SUB_CTX && sub) {
        record->now = sub;
    } else if (command == VIRGL_DESTROY_SUB_CTX && sub && id) {
        if (record->now == sub) {
            record->now = g_ptr_array_index(record->subs, 0);
        }
        record->kept -= sub->kept;
        g_ptr_array_remove(record->subs, sub);
    }
}

/* ---- state ---- */

typedef struct { const GlObject *object; bool named; } Search;

static void is_named(void *opaque, u32 *name)
{
    Search *search = opaque;

    search->named |= *name == search->object->handle;
}

/* The host's state still uses a bound object when its handle is gone. */
static bool is_bound(const GlSub *sub, const GlObject *object)
{
    Search search = { object, false };
    GHashTableIter each;
    gpointer value;

    g_hash_table_iter_init(&each, sub->state);
    while (!search.named && g_hash_table_iter_next(&each, NULL, &value)) {
        GlState *state = value;
        const GlCommandRow *row = &gl_command_rows[state->word[0] & 0xff];

        if (row->names == NAMES_OBJECTS) {
            gl_each_name(row, state->word + 1, state->n - 1, is_named, &search);
        }
    }
    return search.named;
}

void gl_sub_prune(GlSub *sub)
{
    for (unsigned i = sub->ghosts->len; i-- > 0;) {
        if (!is_bound(sub, g_ptr_array_index(sub->ghosts, i))) {
            g_ptr_array_remove_index(sub->ghosts, i);
        }
    }
}

static GlState *find_state(GlSub *sub, u32 header, u32 key0, u32 key1)
{
    u32 kind = header & ((header & 0xff) == VIRGL_BIND_OBJECT ? 0xffff : 0xff);
    u64 key = kind | (u64)(key0 & 0xffffff) << 16 | (u64)(key1 & 0xffffff) << 40;
    GlState *state = g_hash_table_lookup(sub->state, &key);

    if (!state) {
        state = g_new0(GlState, 1);
        g_hash_table_insert(sub->state, g_memdup2(&key, sizeof key), state);
    }
    return state;
}

static bool resize(GlRecord *record, GlState *state, u32 n)
{
    if (n > state->n && !takes(record, n - state->n)) {
        return false;
    }
    if (n < state->n) {
        record->kept -= state->n - n;
        record->now->kept -= state->n - n;
    }
    if (n != state->n) {
        state->word = g_renew(u32, state->word, n);
        if (n > state->n) {
            memset(state->word + state->n, 0, (n - state->n) * 4);
        }
        state->n = n;
    }
    state->serial = ++record->serial;
    return true;
}

static void keep_whole(GlRecord *record, const GlCommandRow *row, const u32 *word,
                       u32 n)
{
    GlState *state;

    if (n < 1u + row->key + row->keys) {
        return;
    }
    state = find_state(record->now, word[0], row->keys > 0 ? word[1 + row->key] : 0,
                       row->keys > 1 ? word[2 + row->key] : 0);
    if (resize(record, state, n)) {
        memcpy(state->word, word, n * 4);
    }
}

static void keep_slots(GlRecord *record, const GlCommandRow *row, const u32 *word,
                       u32 n)
{
    u32 head = 2 + row->by_shader, first, count, end, has;
    GlState *state;

    if (n < head || (row->by_shader && word[1] >= SHADERS)) {
        return;
    }
    first = word[head - 1];
    count = (n - head) / row->each;
    if (count > row->slots || first > row->slots - count) {
        return;
    }
    state = find_state(record->now, word[0], row->by_shader ? word[1] : 0, 0);
    has = state->n ? (state->n - head) / row->each : 0;
    end = row->cuts ? first + count : MAX(has, first + count);
    if (!resize(record, state, head + end * row->each)) {
        return;
    }
    state->word[0] = VIRGL_HEADER(word[0] & 0xff, 0, state->n - 1);
    if (row->by_shader) {
        state->word[1] = word[1];
    }
    state->word[head - 1] = 0;
    memcpy(state->word + head + first * row->each, word + head, count * row->each * 4);
}

/* ---- objects ---- */

/* Words of the command, and which of them names its resource; 0: none. */
static const struct { u8 least, resource; } kinds[VIRGL_OBJECTS] = {
    [VIRGL_BLEND] = { 1, 0 }, [VIRGL_RASTERIZER] = { 1, 0 }, [VIRGL_DSA] = { 1, 0 },
    [VIRGL_SHADER] = { 5, 0 }, [VIRGL_VERTEX_ELEMENTS] = { 1, 0 },
    [VIRGL_SAMPLER_VIEW] = { 6, 2 }, [VIRGL_SAMPLER_STATE] = { 9, 0 },
    [VIRGL_SURFACE] = { 5, 2 }, [VIRGL_QUERY] = { 4, 4 },
    [VIRGL_STREAMOUT_TARGET] = { 4, 2 }, [VIRGL_MSAA_SURFACE] = { 6, 2 },
};

static GlObject *find_object(GlSub *sub, u32 handle)
{
    return g_hash_table_lookup(sub->objects, GUINT_TO_POINTER(handle));
}

static void destroy_object(GlRecord *record, u32 handle)
{
    GlSub *sub = record->now;
    GlObject *object = find_object(sub, handle);

    if (!object) {
        return;
    }
    g_hash_table_steal(sub->objects, GUINT_TO_POINTER(handle));
    record->kept -= object->words->len;
    sub->kept -= object->words->len;
    if (!is_bound(sub, object)) {
        free_object(object);
        return;
    }
    g_ptr_array_add(sub->ghosts, object);
    if (sub->ghosts->len > GHOSTS_MAX) {
        gl_sub_prune(sub);
    }
    if (sub->ghosts->len > GHOSTS_MAX) {
        record->never = "too many objects that are destroyed while in use";
    }
}

static void create_object(GlRecord *record, const u32 *word, u32 n)
{
    u32 type = word[0] >> 8 & 0xff;
    GlObject *object;
    const u64 *serial;

    if (type == 0 || type >= VIRGL_OBJECTS || n - 1 < kinds[type].least || !word[1]) {
        return;
    }
    object = find_object(record->now, word[1]);
    if (type == VIRGL_SHADER && (word[3] & CONTINUED)) {
        if (object && object->type == VIRGL_SHADER && takes(record, n)) {
            g_array_append_vals(object->words, word, n);
        }
        return;
    }
    destroy_object(record, word[1]);
    if (!takes(record, n)) {
        return;
    }
    object = g_new0(GlObject, 1);
    object->type = type;
    object->handle = word[1];
    object->serial = ++record->serial;
    object->words = g_array_new(false, false, 4);
    g_array_append_vals(object->words, word, n);
    if (kinds[type].resource) {
        object->resource = word[kinds[type].resource];
        serial = g_hash_table_lookup(record->attached,
                                     GUINT_TO_POINTER(object->resource));
        object->resource_serial = serial ? *serial : 0;
    }
    g_hash_table_insert(record->now->objects, GUINT_TO_POINTER(object->handle), object);
}

/* A shader that is not there, or of another kind, changes nothing. */
static void bind_shader(GlRecord *record, const u32 *word, u32 n)
{
    const GlObject *object = n == 3 ? find_object(record->now, word[1]) : NULL;

    if (n != 3 || word[2] >= SHADERS ||
        (word[1] && (!object || object->type != VIRGL_SHADER ||
                     g_array_index(object->words, u32, 2) != word[2]))) {
        return;
    }
    keep_whole(record, &gl_command_rows[VIRGL_BIND_SHADER], word, n);
}

static void query_command(GlRecord *record, u32 command, u32 handle)
{
    GlObject *object = find_object(record->now, handle);

    if (object && object->type == VIRGL_QUERY) {
        object->query = command == VIRGL_BEGIN_QUERY      ? QUERY_RUNS :
                        command == VIRGL_END_QUERY        ? QUERY_ENDED :
                        command == VIRGL_GET_QUERY_RESULT ? QUERY_ASKED :
                                                            QUERY_IDLE;
    }
}

/* ---- commands ---- */

static void own_command(GlRecord *record, const u32 *word, u32 n)
{
    u32 command = word[0] & 0xff;

    if (n < 2) {
        return;
    }
    switch (command) {
    case VIRGL_CREATE_OBJECT:   create_object(record, word, n); break;
    case VIRGL_DESTROY_OBJECT:  destroy_object(record, word[1]); break;
    case VIRGL_BIND_SHADER:     bind_shader(record, word, n); break;
    case VIRGL_CREATE_SUB_CTX:
    case VIRGL_SET_SUB_CTX:
    case VIRGL_DESTROY_SUB_CTX: sub_command(record, command, word[1]); break;
    default:                    query_command(record, command, word[1]);
    }
}

static void keep(GlRecord *record, const u32 *word, u32 n)
{
    u32 command = word[0] & 0xff;
    const GlCommandRow *row;

    if (command >= VIRGL_COMMANDS) {
        record->never = "a command that is not followed";
        return;
    }
    row = &gl_command_rows[command];
    switch (row->keep) {
    case KEEP_NOT:   break;
    case KEEP_WHOLE: keep_whole(record, row, word, n); break;
    case KEEP_SLOTS: keep_slots(record, row, word, n); break;
    case KEEP_OWN:   own_command(record, word, n); break;
    case KEEP_NEVER: record->never = row->why; break;
    }
}

void gl_record_feed(GlRecord *record, const u32 *word, size_t n)
{
    for (size_t i = 0, length; i < n && !record->lost && !record->never; i += length) {
        length = (word[i] >> 16) + 1;
        if (length > n - i) {
            record->lost = true;        /* as the renderer has it */
            return;
        }
        keep(record, word + i, length);
    }
}

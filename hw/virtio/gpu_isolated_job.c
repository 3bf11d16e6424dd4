/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs for the isolated renderer and its answers: see gpu_isolated.h.
 *
 * Which of the guest's bytes a job reads or writes is gathered first: from a transfer's
 * own words, and from a context's commands those that move between a resource and its
 * pages.  What it reads is copied as it is sent, what it writes when it is answered.
 * While such an answer is to come, nothing is sent that would copy over it.
 */

#include "hw/virtio/gpu_gl_record.h"
#include "hw/virtio/gpu_isolated.h"

#include <string.h>

enum {
    BIND_CUSTOM = 1 << 17,          /* the library keeps it in ordinary memory */
    PIXELS_MAX = 512 << 20, TEXT_MAX = 512,
    READS_STAGING = 2, FROM_HOST = 2, READ_US_MAX = 100000,
};

typedef struct { Lines part; bool out; } Move;

static Known *known(const Renderer *r, u32 id)
{
    return g_hash_table_lookup(r->known, GUINT_TO_POINTER(id));
}

static void drop_pages(Renderer *r, Known *k)
{
    if (k->pages) {
        g_hash_table_remove(r->watched, k->pages);
        g_clear_pointer(&k->pages, pages_unref);
    }
}

static void free_known(gpointer k)
{
    pages_unref(((Known *)k)->pages);
    g_free(k);
}

/* ---- what is moved ---- */

/* A box of resource `of`, in the pages of resource `at`. */
static void add_box(const Renderer *r, GArray *moves, u32 at, u32 of,
                    const GpuTransfer3d *box, bool out)
{
    Known *pages = known(r, at), *k = known(r, of);

    if (pages && k && pages->pages) {
        Move m = { lines_of(pages->pages, k, box), out };

        g_array_append_val(moves, m);
    }
}

/* What the library keeps in memory is there until it has pages, and again then. */
static void add_kept(GArray *moves, const Known *k, bool out)
{
    if (k->pages && k->create.bind & BIND_CUSTOM) {
        u64 n = k->create.width;
        Move m = { { k->pages, 0, n, n, n, 1, 1 }, out };

        g_array_append_val(moves, m);
    }
}

/* Words as virgl_protocol.h has them for both kinds of transfers. */
static void add_transfer(const Renderer *r, GArray *moves, const u32 *w, bool staged)
{
    GpuTransfer3d box = {
        .box = { w[6], w[7], w[8], w[9], w[10], w[11] }, .level = w[2], .stride = w[4],
        .layer_stride = w[5], .offset = staged ? w[13] : w[12],
    };

    if (staged) {
        add_box(r, moves, w[12], w[1], &box, w[14] & READS_STAGING);
    } else {
        add_box(r, moves, w[1], w[1], &box, w[13] == FROM_HOST);
    }
}

static void watch(Renderer *r, u32 id)
{
    Known *k = known(r, id);

    if (k) {
        k->query = true;
    }
    if (k && k->pages) {
        pages_watch(k->pages);
        g_hash_table_add(r->watched, k->pages);
    }
}

static void add_stream(Renderer *r, GArray *moves, const u32 *word, size_t n)
{
    for (size_t i = 0; i < n; i += (word[i] >> 16) + 1) {
        u32 command = word[i] & 0xff, object = word[i] >> 8 & 0xff;
        u32 length = word[i] >> 16;

        if (length >= n - i) {
            return;
        }
        if (command == VIRGL_TRANSFER3D && length >= 13) {
            add_transfer(r, moves, word + i, false);
        } else if (command == VIRGL_COPY_TRANSFER3D && length >= 14) {
            add_transfer(r, moves, word + i, true);
        } else if (length >= 4 && command == VIRGL_CREATE_OBJECT &&
                   object == VIRGL_QUERY) {
            watch(r, word[i + 4]);
        }
    }
}

static void gather(Renderer *r, const RenderJob *job, GArray *moves)
{
    const GpuTransfer2d *flat = &job->in.transfer;
    const GpuTransfer3d *box = &job->in.transfer_3d;
    Known *k;

    switch (job->type) {
    case GPU_TRANSFER_TO_HOST_2D:
        add_box(r, moves, flat->resource, flat->resource, &(GpuTransfer3d){
            .box = { flat->rect.x, flat->rect.y, 0, flat->rect.width,
                     flat->rect.height, 1 }, .offset = flat->offset }, false);
        break;
    case GPU_TRANSFER_TO_HOST_3D:
    case GPU_TRANSFER_FROM_HOST_3D:
        add_box(r, moves, box->resource, box->resource, box,
                job->type == GPU_TRANSFER_FROM_HOST_3D);
        break;
    case GPU_DETACH_BACKING:
        if ((k = known(r, job->in.id.resource))) {
            add_kept(moves, k, false);
        }
        break;
    case GPU_SUBMIT_3D:
        add_stream(r, moves, (const u32 *)job->data, job->bytes / 4);
        break;
    }
}

/* ---- sending ---- */

static void note_created(Renderer *r, u32 id, const GpuCreate3d *create, u32 line)
{
    Known *k = known(r, id);

    if (k) {
        drop_pages(r, k);               /* one that could not be created */
    }
    k = g_new0(Known, 1);
    k->create = *create;
    k->line = line;
    g_hash_table_insert(r->known, GUINT_TO_POINTER(id), k);
}

/* What the job changes at once; false: there is no memory. */
static bool note(Renderer *r, RenderJob *job, IsolatedJob *message, GArray *moves)
{
    const GpuCreate2d *flat = &job->in.create;
    Known *k = known(r, job->in.id.resource);

    switch (job->type) {
    case RENDER_RESET:
        g_hash_table_remove_all(r->watched);
        g_hash_table_remove_all(r->known);
        break;
    case GPU_RESOURCE_CREATE_2D:
        note_created(r, flat->resource, &(GpuCreate3d){
            .target = GPU_TEXTURE_2D, .width = flat->width, .height = flat->height,
        }, flat->width * 4);
        break;
    case GPU_RESOURCE_CREATE_3D:
        note_created(r, job->in.create_3d.resource, &job->in.create_3d, 0);
        break;
    case GPU_DETACH_BACKING:
    case GPU_RESOURCE_UNREF:
        if (k) {
            drop_pages(r, k);
        }
        if (job->type == GPU_RESOURCE_UNREF) {
            g_hash_table_remove(r->known, GUINT_TO_POINTER(job->in.id.resource));
        }
        break;
    case GPU_ATTACH_BACKING:
        if (!k) {
            return false;
        }
        drop_pages(r, k);
        k->pages = pages_new(g_steal_pointer(&job->iov), job->n_iov, &r->shared,
                             r->host.memory, &r->fd);
        if (!k->pages) {
            return false;
        }
        message->shared = k->pages->bytes;
        add_kept(moves, k, true);
        if (k->query) {
            watch(r, job->in.id.resource);
        }
        break;
    }
    return true;
}

/* Copies what goes there, and keeps what comes back with the flight. */
static void move_in(Renderer *r, Flight *flight, GArray *moves)
{
    GHashTableIter each;
    gpointer pages;

    for (unsigned i = 0; i < moves->len; i++) {
        const Move *m = &g_array_index(moves, Move, i);

        lines_in(&m->part);
        if (m->out) {
            flight->parts = flight->parts ? flight->parts
                                          : g_array_new(false, false, sizeof(Lines));
            m->part.pages->refs++;
            g_array_append_val(flight->parts, m->part);
        }
    }
    r->reading += flight->parts != NULL;
    g_hash_table_iter_init(&each, r->watched);
    while (flight->job->type == GPU_SUBMIT_3D &&
           g_hash_table_iter_next(&each, &pages, NULL)) {
        pages_watch_in(pages);
    }
}

bool isolated_send(Renderer *r, RenderJob *job, bool quick)
{
    g_autoptr(GArray) moves = g_array_new(false, false, sizeof(Move));
    IsolatedJob message = { .type = job->type, .scanout = job->scanout,
                            .want = job->want, .header = job->header, .in = job->in,
                            .bytes = job->data ? job->bytes : 0 };
    Flight *flight;

    gather(r, job, moves);
    if (moves->len && (quick || r->reading)) {
        return false;
    }
    flight = g_new0(Flight, 1);
    flight->job = job;
    if (job->type == GPU_DETACH_BACKING) {
        move_in(r, flight, moves);      /* as long as there are pages */
        g_array_set_size(moves, 0);
    }
    if (!note(r, job, &message, moves)) {
        g_free(flight);
        job->answer = GPU_ERR_OUT_OF_MEMORY;
        jobs_finish(&r->jobs, job);
        return true;
    }
    move_in(r, flight, moves);
    r->number = r->number + 1 ? r->number + 1 : 1;
    message.number = r->number;
    g_hash_table_insert(r->flights, GUINT_TO_POINTER(r->number), flight);
    g_byte_array_append(r->out, (u8 *)&message, sizeof message);
    g_byte_array_append(r->out, job->data, message.bytes);
    return true;
}

/* ---- answers ---- */

static void free_flight(gpointer opaque)
{
    Flight *flight = opaque;

    for (unsigned i = 0; flight->parts && i < flight->parts->len; i++) {
        pages_unref(g_array_index(flight->parts, Lines, i).pages);
    }
    g_clear_pointer(&flight->parts, g_array_unref);
    g_free(flight);
}

static void move_out(Renderer *r, Flight *flight)
{
    GHashTableIter each;
    gpointer pages;

    for (unsigned i = 0; flight->parts && i < flight->parts->len; i++) {
        lines_out(&g_array_index(flight->parts, Lines, i));
    }
    r->reading -= flight->parts != NULL;
    g_hash_table_iter_init(&each, r->watched);
    while (g_hash_table_iter_next(&each, &pages, NULL)) {
        pages_watch_out(pages);
    }
}

static bool take_pictures(RenderJob *job, u32 n, const u8 *data, u64 left)
{
    job->pictures = g_array_new(false, false, sizeof(RenderPicture));
    while (n-- > 0) {
        RenderPicture picture;
        IsolatedPicture p;
        u64 bytes;

        if (left < sizeof p) {
            return false;
        }
        memcpy(&p, data, sizeof p);
        bytes = (u64)p.w * p.h * 4;
        if (p.scanout >= GPU_SCANOUTS || p.h > left / 4 / MAX(p.w, 1) ||
            bytes > left - sizeof p) {
            return false;
        }
        picture = (RenderPicture){ p.scanout, p.x, p.y, p.w, p.h,
                                   g_memdup2(data + sizeof p, MAX(bytes, 1)) };
        g_array_append_val(job->pictures, picture);
        data += sizeof p + bytes;
        left -= sizeof p + bytes;
    }
    return left == 0;
}

u64 isolated_most(const Renderer *r, const IsolatedAnswer *answer)
{
    const Flight *flight = g_hash_table_lookup(r->flights,
                                               GUINT_TO_POINTER(answer->number));

    if (!answer->number) {
        return TEXT_MAX;
    }
    return !flight ? 0 : flight->job->type == RENDER_SAVE ? G_MAXINT : PIXELS_MAX;
}

bool isolated_answer(Renderer *r, const IsolatedAnswer *answer, const u8 *data)
{
    gpointer number = GUINT_TO_POINTER(answer->number);
    Flight *flight = g_hash_table_lookup(r->flights, number);
    RenderJob *job;
    Known *k;
    bool good = answer->answer == GPU_OK || (answer->answer >= GPU_ERR_UNSPEC &&
                                             answer->answer <= GPU_ERR_PARAMETER);

    if (!flight || !good || answer->pictures > GPU_SCANOUTS) {
        return false;
    }
    move_out(r, flight);
    job = flight->job;
    job->answer = answer->answer;
    job->read_us = MIN(answer->read_us, READ_US_MAX) * 2;       /* it was sent, too */
    k = job->type == GPU_RESOURCE_CREATE_3D ? known(r, job->in.create_3d.resource)
                                            : NULL;
    if (k) {
        k->line = answer->line;
    }
    if (answer->pictures) {
        good = take_pictures(job, answer->pictures, data, answer->bytes);
    } else if (job->type == RENDER_SAVE || job->type == RENDER_CURSOR) {
        job->bytes = answer->bytes;
        job->data = g_memdup2(data, MAX(answer->bytes, 1));
    }
    job->answer = good ? job->answer : GPU_ERR_UNSPEC;
    g_hash_table_remove(r->flights, number);
    jobs_finish(&r->jobs, job);
    return good;
}

/* ---- life ---- */

void isolated_begin(Renderer *r)
{
    r->flights = g_hash_table_new_full(NULL, NULL, NULL, free_flight);
    r->known = g_hash_table_new_full(NULL, NULL, NULL, free_known);
    r->watched = g_hash_table_new(NULL, NULL);
}

static gint older_first(gconstpointer a, gconstpointer b, gpointer newest)
{
    u32 last = GPOINTER_TO_UINT(newest);

    return last - GPOINTER_TO_UINT(a) > last - GPOINTER_TO_UINT(b) ? -1 : 1;
}

/* In their order: who waits for the last one finds all the others finished. */
void isolated_fail(Renderer *r)
{
    g_autoptr(GList) numbers = g_list_sort_with_data(
        g_hash_table_get_keys(r->flights), older_first, GUINT_TO_POINTER(r->number));

    for (GList *l = numbers; l; l = l->next) {
        Flight *flight = g_hash_table_lookup(r->flights, l->data);

        flight->job->answer = GPU_ERR_UNSPEC;
        jobs_finish(&r->jobs, flight->job);
    }
    g_hash_table_remove_all(r->flights);
    r->reading = 0;
    g_hash_table_remove_all(r->watched);
    g_hash_table_remove_all(r->known);
}

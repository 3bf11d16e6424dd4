/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu with 3D in a snapshot: see gpu_gl.h.  Under the machine lock, the machine
 * paused.
 *
 * Saved are whether the capability sets are the same, each resource as it was
 * created, with its pages and what it holds, and each context with its resources and
 * the stream that makes it anew (gpu_gl_record.h).  All is read when the save asks
 * whether it may, since it can fail.  What comes back is judged as a driver's commands
 * are.
 *
 * A restore shows the saved picture first, from its pixels; the renderer's textures
 * take its place when all of them and the contexts are there.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/bytes.h"
#include "base/log.h"

#include <string.h>

enum { SAVED_MAX = 2u << 30 };

/* Of what follows; a count of resources stood in its place before there was one. */
enum { LAYOUT = 0x44334c02 };           /* "D3L", 2 */
typedef struct { u32 layout, resources, contexts, unused; u64 capsets; } SavedAll;
typedef struct {
    GpuCreate3d create;
    u32 n_pages, blob, blob_flags, mapped;
    u64 size, offset;               /* a blob's; where it is in the window */
    u64 bytes, packed;              /* of what it holds; as they follow */
} SavedResource;
typedef struct {
    GpuCtxCreate create;
    u32 id, lost, resources, words;
} SavedContext;

#define refuse(err, ...) \
    (g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, __VA_ARGS__), false)

/* ---- saving ---- */

/* In capability set 2: the host's free memory, in MiB or so. */
static bool is_amount(const RenderCapset *c, u32 at)
{
    enum { MAX_VIDEO_MEMORY = 692 };

    return c->id == GPU_CAPSET_VIRGL2 && at / 4 == MAX_VIDEO_MEMORY / 4;
}

/* FNV-1a: does the driver's idea of what there is still hold? */
static u64 hash_capsets(const Gpu *gpu)
{
    u64 hash = 0xcbf29ce484222325;
    const RenderCapset *c;

    for (u32 n = 0; (c = gpu->gl->module->capset(gpu->gl->renderer, n)); n++) {
        for (u32 i = 0; i < c->bytes; i++) {
            hash = (hash ^ (is_amount(c, i) ? 0 : c->data[i])) * 0x100000001b3;
        }
    }
    return hash;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    return a < b ? -1 : a > b;
}

/* Lowest first. */
static GList *ids_of(GHashTable *table)
{
    return g_list_sort(g_hash_table_get_keys(table), by_number);
}

static bool save_resource(Gpu *gpu, const GpuResource *r, GByteArray *out, GError **err)
{
    RenderJob job = { .type = RENDER_SAVE, .in.create_3d = r->create,
                      .blob = r->blob };
    SavedResource saved = { .create = r->create, .n_pages = r->n_pages,
                            .blob = r->blob, .blob_flags = r->blob_flags };
    g_autofree u8 *packed = NULL;
    bool good;

    saved.size = r->blob ? r->bytes : 0;
    saved.mapped = r->mapping != NULL;
    saved.offset = r->mapping ? r->mapping->offset : 0;
    if (gpu_gl_holds(&r->create, r->blob)) {
        gpu_gl_run(gpu, &job);
    } else {
        job.answer = GPU_OK;
    }
    saved.bytes = job.bytes;
    packed = job.bytes ? gpu_gl_pack(job.data, job.bytes, &saved.packed) : NULL;
    good = job.answer == GPU_OK && !packed == !job.bytes &&
           saved.packed < SAVED_MAX - out->len;
    if (good) {
        append_bytes(out, &saved, sizeof saved);
        gpu_save_pages(r, out);
        append_bytes(out, packed, saved.packed);
    }
    render_job_clear(&job);
    return good || refuse(err, "3D: %s (format %u, %ux%u, %u samples) can't be read "
                          "back", r->create.target == GPU_TEXTURE_BUFFER ? "a buffer"
                                                                         : "a picture",
                          r->create.format, r->create.width, r->create.height,
                          r->create.samples);
}

/* 5.7 says nothing of it; virgl's: a word that is 2 until the host has answered. */
static bool is_answered(void *opaque, u32 resource)
{
    const GpuResource *r = gpu_resource(opaque, resource);
    u32 state = 2;

    if (r) {
        gpu_resource_read(opaque, r, 0, &state, sizeof state);
    }
    return state != 2;
}

static bool save_context(Gpu *gpu, u32 id, const GlContext *context, GByteArray *out,
                         GError **err)
{
    GlRecord *record = context->record;
    const char *why;
    g_autoptr(GArray) stream = gl_record_stream(record, is_answered, gpu, &why);
    g_autoptr(GList) ids = ids_of(record->attached);
    SavedContext saved = { context->create, id, record->lost, g_list_length(ids), 0 };

    if (!stream) {
        return refuse(err, "3D: context %u has %s, which can't be saved", id, why);
    }
    if (!record->lost) {
        gpu_gl_append_made(context, stream);
    }
    saved.words = stream->len;
    append_bytes(out, &saved, sizeof saved);
    for (GList *l = ids; l; l = l->next) {
        append_num(out, GPOINTER_TO_UINT(l->data), 4);
    }
    append_bytes(out, stream->data, stream->len * 4);
    return true;
}

/* What Vulkan has made only its driver knows. */
static bool has_vulkan(const Gpu *gpu)
{
    GHashTableIter each;
    gpointer value;

    g_hash_table_iter_init(&each, gpu->gl->contexts);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        if (((GlContext *)value)->venus) {
            return true;
        }
    }
    g_hash_table_iter_init(&each, gpu->resources);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        if (((GpuResource *)value)->venus) {
            return true;
        }
    }
    return false;
}

static bool save_all(Gpu *gpu, GByteArray *out, GError **err)
{
    g_autoptr(GList) resources = ids_of(gpu->resources);
    g_autoptr(GList) contexts = ids_of(gpu->gl->contexts);
    SavedAll all = { LAYOUT, g_list_length(resources), g_list_length(contexts), 0,
                     hash_capsets(gpu) };
    bool good = true;

    if (has_vulkan(gpu)) {
        return refuse(err, "3D: a program of the guest uses Vulkan (venus=on), which "
                      "can't be saved; it can when that program has ended");
    }
    append_bytes(out, &all, sizeof all);
    for (GList *l = resources; good && l; l = l->next) {
        good = save_resource(gpu, gpu_resource(gpu, GPOINTER_TO_UINT(l->data)), out,
                             err);
    }
    for (GList *l = contexts; good && l; l = l->next) {
        good = save_context(gpu, GPOINTER_TO_UINT(l->data),
                            g_hash_table_lookup(gpu->gl->contexts, l->data), out, err);
    }
    return good;
}

bool gpu_gl_savable(Device *dev, GError **err)
{
    Gpu *gpu = gpu_of(dev);
    g_autoptr(GByteArray) saved = g_byte_array_new();

    if (!gpu->gl || (!g_hash_table_size(gpu->gl->contexts) &&
                     !g_hash_table_size(gpu->resources))) {
        return true;
    }
    g_clear_pointer(&gpu->gl->saved, g_byte_array_unref);
    if (!save_all(gpu, saved, err)) {
        return false;
    }
    gpu->gl->saved = g_steal_pointer(&saved);
    return true;
}

void gpu_gl_save(Gpu *gpu, GByteArray *out)
{
    if (gpu->gl->saved) {
        append_bytes(out, gpu->gl->saved->data, gpu->gl->saved->len);
        g_clear_pointer(&gpu->gl->saved, g_byte_array_unref);
    }
}

/* ---- loading ---- */

typedef struct { const u8 *data; size_t left; } Rest;

/* NULL: there is not as much. */
static const u8 *take(Rest *rest, u64 n)
{
    const u8 *at = rest->data;

    if (n > rest->left) {
        return NULL;
    }
    rest->data += n;
    rest->left -= n;
    return at;
}

static bool take_into(Rest *rest, void *to, size_t n)
{
    const u8 *at = take(rest, n);

    if (at) {
        memcpy(to, at, n);
    }
    return at;
}

/*
 * The contents come before the pages: the library copies some to where those are.
 * Takes `data` over, and does not wait: load_done hears of it.
 */
static void load_contents(Gpu *gpu, const SavedResource *saved, u8 *data)
{
    RenderJob *job = g_new0(RenderJob, 1);

    job->type = RENDER_LOAD;
    job->in.create_3d = saved->create;
    job->blob = saved->blob;
    job->data = data;
    job->bytes = saved->bytes;
    gpu_gl_post(gpu, job);
}

static bool load_backing(Gpu *gpu, GpuResource *r, GpuPages *pages, u32 n)
{
    RenderJob job = { .type = GPU_ATTACH_BACKING, .in.attach = { r->id, n } };
    bool good = gpu_gl_attach(gpu, &job, r, pages, n) == GPU_OK;

    if (good) {
        gpu_gl_run(gpu, &job);
        good = job.answer == GPU_OK;
    }
    render_job_clear(&job);
    return good;
}

/* Takes the pages of a blob over. */
static bool make_resource(Gpu *gpu, const SavedResource *saved, GpuPages **pages)
{
    GpuCreateBlob blob = { saved->create.resource, saved->blob, saved->blob_flags,
                           saved->n_pages, 0, saved->size };
    RenderJob job = { .type = GPU_RESOURCE_CREATE_3D, .in.create_3d = saved->create };

    return saved->blob ? gpu_gl_make_blob(gpu, &saved->create, &blob,
                                          g_steal_pointer(pages))
                       : gpu_gl_do(gpu, &job) == GPU_OK;
}

/* What comes after the contents.  Takes the pages of others over, if it has some. */
static bool finish_resource(Gpu *gpu, const SavedResource *saved, GpuPages **pages)
{
    u32 id = saved->create.resource;

    if (saved->blob) {
        return !saved->mapped || gpu_gl_map(gpu, id, saved->offset);
    }
    return !saved->n_pages || load_backing(gpu, gpu_resource(gpu, id),
                                           g_steal_pointer(pages), saved->n_pages);
}

static bool load_resource(Gpu *gpu, Rest *rest)
{
    g_autofree GpuPages *pages = NULL;
    g_autofree u8 *content = NULL;
    SavedResource saved;
    const u8 *data;

    if (!take_into(rest, &saved, sizeof saved)) {
        return false;
    }
    pages = gpu_load_pages(saved.n_pages, &rest->data, &rest->left);
    data = pages ? take(rest, saved.packed) : NULL;
    if (data && saved.bytes) {
        content = gpu_gl_unpack(data, saved.packed, saved.bytes);
    }
    if (!data || !content != !saved.bytes || !make_resource(gpu, &saved, &pages)) {
        return false;
    }
    if (gpu_gl_holds(&saved.create, saved.blob)) {
        load_contents(gpu, &saved, g_steal_pointer(&content));
    }
    return finish_resource(gpu, &saved, &pages);
}

/* Of the saved resources, those that are to be shown. */
static void show_saved(Gpu *gpu, const GpuState *wanted, Rest rest, u32 n)
{
    SavedResource saved;

    while (n-- && take_into(&rest, &saved, sizeof saved) &&
           take(&rest, saved.n_pages * 12ull)) {
        const GpuCreate3d *c = &saved.create;
        const u8 *data = take(&rest, saved.packed);
        bool is_picture = data && !saved.blob && gpu_gl_bytes_3d(c) &&
                          c->target != GPU_TEXTURE_BUFFER &&
                          saved.bytes >= (u64)c->width * c->height * 4;

        for (unsigned i = 0; is_picture && i < gpu->config.max_outputs; i++) {
            g_autofree u8 *content =
                wanted->resource[i] == c->resource
                ? gpu_gl_unpack(data, saved.packed, saved.bytes) : NULL;

            if (content) {
                gpu_gl_show_saved(gpu, i, wanted, c, (const u32 *)content);
            }
        }
    }
}

static bool load_attached(Gpu *gpu, const SavedContext *saved, Rest *rest)
{
    for (u32 i = 0; i < saved->resources; i++) {
        RenderJob job = { .type = GPU_CTX_ATTACH_RESOURCE,
                          .header.ctx_id = saved->id };

        if (!take_into(rest, &job.in.id.resource, 4) ||
            gpu_gl_do(gpu, &job) != GPU_OK) {
            return false;
        }
    }
    return true;
}

/* A context that was lost is lost again, by a command that nothing can be. */
static bool load_stream(Gpu *gpu, const SavedContext *saved, Rest *rest)
{
    u32 wrong = VIRGL_HEADER(VIRGL_CREATE_OBJECT, 0, 0);
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = saved->id };
    const u8 *words = take(rest, saved->words * 4ull);
    GlContext *context;
    bool good;

    if (!words) {
        return false;
    }
    job.bytes = saved->lost ? sizeof wrong : saved->words * 4;
    job.data = g_memdup2(saved->lost ? (const u8 *)&wrong : words, MAX(job.bytes, 4));
    context = g_hash_table_lookup(gpu->gl->contexts, GUINT_TO_POINTER(saved->id));
    good = gpu_gl_made(gpu, context, (const u32 *)job.data, job.bytes / 4);
    if (good) {
        gpu_gl_submit(gpu, &job);
        gpu_gl_run(gpu, &job);
        gpu_gl_end(gpu, &job);
        good = job.answer == GPU_OK || saved->lost;
        context->record->lost |= saved->lost;
    }
    render_job_clear(&job);
    return good;
}

static bool load_context(Gpu *gpu, Rest *rest)
{
    RenderJob job = { .type = GPU_CTX_CREATE };
    SavedContext saved;

    if (!take_into(rest, &saved, sizeof saved)) {
        return false;
    }
    job.header.ctx_id = saved.id;
    job.in.context = saved.create;
    return gpu_gl_do(gpu, &job) == GPU_OK && load_attached(gpu, &saved, rest) &&
           load_stream(gpu, &saved, rest);
}

bool gpu_gl_load(Gpu *gpu, const GpuState *wanted, const u8 *data, size_t n,
                 GError **err)
{
    Rest rest = { data, n };
    SavedAll all = { 0 };

    gpu_gl_reset(gpu);
    gpu->gl->refused = false;
    if (n && !take_into(&rest, &all, sizeof all)) {
        return refuse(err, "virtio-gpu: the 3D state is cut short");
    }
    if (n && all.layout != LAYOUT) {
        return refuse(err, "virtio-gpu: the 3D state is another Mayfly's, which laid it "
                      "out differently: save it with this one");
    }
    show_saved(gpu, wanted, rest, all.resources);
    if (n && all.capsets != hash_capsets(gpu)) {
        info_user("the snapshot's 3D was drawn by a renderer that can other things "
                  "than this one: programs of the guest may fail");
    }
    for (u32 i = 0; i < all.resources; i++) {
        if (!load_resource(gpu, &rest)) {
            return refuse(err, "virtio-gpu: resource %u of %u can't be made by this "
                          "renderer", i + 1, all.resources);
        }
    }
    for (u32 i = 0; i < all.contexts; i++) {
        if (!load_context(gpu, &rest)) {
            return refuse(err, "virtio-gpu: 3D context %u of %u can't be made by this "
                          "renderer", i + 1, all.contexts);
        }
    }
    gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
    if (gpu->gl->refused) {
        return refuse(err, "virtio-gpu: what a resource holds can't be put into it");
    }
    return !rest.left || refuse(err, "virtio-gpu: something behind the 3D state");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written goes into an overlay that is gone at the end; the image below stays
 * as it is (snapshot=on, -snapshot).
 *
 * A cluster that was written lies in a store, in the order of first writing; a table
 * says where.  The store is memory at first; what is over the limit lies in a file
 * without a name.
 *
 *     cluster of the disk    0   1   2   3   4
 *     place in the store     0   2   0   1   0        0: not written, it lies below
 */

#include "block/overlay.h"

#include "block/drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLUSTER    (64 * KiB)
#define MEMORY_MAX (128 * MiB / CLUSTER)        /* clusters */

typedef struct {
    pthread_mutex_t lock;           /* guards `place` */
    pthread_mutex_t writing;        /* held while a cluster comes in */
    u32 *place;
    u64 clusters;
    u32 used;                       /* clusters in the store */
} Overlay;

/* ---- the store: node->file is in memory, node->data is not ---- */

static BlockNode *store_in(BlockNode *node, u32 place, u64 *offset)
{
    bool in_memory = place <= MEMORY_MAX;

    *offset = (in_memory ? place - 1 : place - 1 - MEMORY_MAX) * CLUSTER;
    return in_memory ? node->file : node->data;
}

static u32 place_of(Overlay *overlay, u64 cluster)
{
    u32 place;

    pthread_mutex_lock(&overlay->lock);
    place = overlay->place[cluster];
    pthread_mutex_unlock(&overlay->lock);
    return place;
}

/* ---- where it lies ---- */

/* Clusters from `first` on that lie one behind the other, up to `n`. */
static u64 run_of(const Overlay *overlay, u64 first, u64 n)
{
    u32 place = overlay->place[first];
    u64 run = 1;

    while (run < n && overlay->place[first + run] == (place ? place + run : 0) &&
           (!place || place + run != MEMORY_MAX + 1)) {
        run++;
    }
    return run;
}

static void overlay_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes,
                        BlockMap *to)
{
    Overlay *overlay = node->own;
    u64 first = offset / CLUSTER, last = (offset + bytes - 1) / CLUSTER;
    u64 within = offset % CLUSTER, run;
    u32 place;

    pthread_mutex_lock(&overlay->lock);
    place = overlay->place[first];
    run = run_of(overlay, first, last - first + 1);
    pthread_mutex_unlock(&overlay->lock);
    to->bytes = MIN(bytes, run * CLUSTER - within);
    if (place) {
        to->kind = MAP_NODE;
        to->node = store_in(node, place, &to->offset);
        to->offset += within;
    } else if (access == BLOCK_READ) {
        to->kind = MAP_NODE;
        to->node = node->backing;
        to->offset = offset;
    }
}

/* ---- writing ---- */

static bool open_file_store(BlockNode *node);

/* A cluster with the new bytes and, around them, what lies below. */
static int bring_in(BlockNode *node, u64 cluster, u64 within, BlockVec from)
{
    Overlay *overlay = node->own;
    u64 start = cluster * CLUSTER, offset;
    u64 n = MIN(CLUSTER, node_length(node) - start);
    g_autofree u8 *bytes = g_malloc(CLUSTER);
    BlockNode *store;
    int error = 0;

    if (overlay->used == MEMORY_MAX && !node->data && !open_file_store(node)) {
        return -ENOSPC;
    }
    if (from.bytes < n) {
        error = node_read(node->backing, start, bytes, n);
    }
    if (!error) {
        vec_to(from, bytes + within);
        store = store_in(node, overlay->used + 1, &offset);
        error = node_write(store, offset, bytes, n);
    }
    if (!error) {
        pthread_mutex_lock(&overlay->lock);
        overlay->place[cluster] = ++overlay->used;
        pthread_mutex_unlock(&overlay->lock);
    }
    return error;
}

static int overlay_write(BlockNode *node, u64 offset, BlockVec from)
{
    Overlay *overlay = node->own;
    int error = 0;

    pthread_mutex_lock(&overlay->writing);
    while (from.bytes && !error) {
        u64 cluster = offset / CLUSTER, within = offset % CLUSTER, at;
        size_t n = MIN(from.bytes, CLUSTER - within);
        u32 place = place_of(overlay, cluster);
        BlockVec piece = vec_slice(from, 0, n);

        if (place) {                            /* since the map was asked */
            BlockNode *store = store_in(node, place, &at);

            error = node_writev(store, at + within, piece);
        } else {
            error = bring_in(node, cluster, within, piece);
        }
        offset += n;
        from = vec_slice(from, n, from.bytes - n);
    }
    pthread_mutex_unlock(&overlay->writing);
    return error;
}

static int overlay_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    BlockMap map = { MAP_SLOW, NULL, 0, bytes };
    int error;

    overlay_map(node, BLOCK_READ, offset, bytes, &map);
    error = node_status(map.node, map.offset, map.bytes, out);
    out->allocated = map.node != node->backing;
    return error;
}

/* ---- life ---- */

/* A node on an open file; the node opens it again. */
static BlockNode *node_of_fd(int fd, GError **err)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(KeyVals) options = keyvals_parse("driver=file,locking=off", NULL, NULL);
    BlockNode *node;

    keyvals_set(options, "filename", name);
    node = node_open(options, BLOCK_RDWR | BLOCK_NO_FLUSH, err);
    close(fd);
    return node;
}

static bool open_file_store(BlockNode *node)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder && *folder ? folder : "/var/tmp",
                  O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    node->data = fd >= 0 ? node_of_fd(fd, NULL) : NULL;
    return node->data != NULL;
}

static void overlay_close(BlockNode *node)
{
    Overlay *overlay = node->own;

    if (overlay) {
        pthread_mutex_destroy(&overlay->lock);
        pthread_mutex_destroy(&overlay->writing);
        free(overlay->place);
        g_clear_pointer(&node->own, g_free);
    }
}

static const BlockDriver block_overlay = {
    .name = "overlay", .help = "writes are lost at the end", .remaps = true,
    .close = overlay_close, .map = overlay_map, .write = overlay_write,
    .status = overlay_status,
};

BlockNode *overlay_new(BlockNode *below, GError **err)
{
    BlockNode *node = node_new(&block_overlay, below->flags | BLOCK_RDWR, NULL);
    Overlay *overlay = g_new0(Overlay, 1);
    int fd = memfd_create("overlay", MFD_CLOEXEC);

    pthread_mutex_init(&overlay->lock, NULL);
    pthread_mutex_init(&overlay->writing, NULL);
    node->own = overlay;
    node->backing = below;
    node->filename = g_strdup(below->filename);
    node_set_length(node, node_length(below));
    overlay->clusters = (node_length(below) + CLUSTER - 1) / CLUSTER;
    overlay->place = calloc(overlay->clusters + 1, sizeof *overlay->place);
    if (overlay->place && overlay->clusters < UINT32_MAX && fd >= 0) {
        node->file = node_of_fd(fd, err);
    } else {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
                    "'%s': no memory for snapshot=on", below->filename);
    }
    if (!node->file) {
        g_clear_pointer(&node, node_unref);
    }
    return node;
}

/* ---- committing ---- */

static int write_back(BlockNode *node)
{
    Overlay *overlay = node->own;
    g_autofree u8 *bytes = g_malloc(CLUSTER);
    int error = 0;

    for (u64 i = 0; i < overlay->clusters && !error; i++) {
        u64 at, n = MIN(CLUSTER, node_length(node) - i * CLUSTER);
        u32 place = place_of(overlay, i);

        if (place) {
            BlockNode *store = store_in(node, place, &at);

            error = node_read(store, at, bytes, n);
            error = error ? error : node_write(node->backing, i * CLUSTER, bytes, n);
        }
    }
    return error ? error : node_flush(node->backing);
}

/* The store is empty again only once all of it is safe below. */
static void forget(BlockNode *node)
{
    Overlay *overlay = node->own;

    for (u64 i = 0; i < overlay->clusters; i++) {
        if (overlay->place[i]) {
            overlay->place[i] = 0;
        }
    }
    overlay->used = 0;
}

bool node_is_overlay(const BlockNode *node)
{
    return node->driver == &block_overlay;
}

bool overlay_commit(BlockNode *node, GError **err)
{
    int error;

    if (!node_reopen(node->backing, true, err)) {
        return false;
    }
    node_stop(node);
    error = write_back(node);
    if (!error) {
        forget(node);
    }
    node_go(node);
    if (error) {
        node_error(node, error, "could not commit", err);
    }
    return node_reopen(node->backing, false, error ? NULL : err) && !error;
}

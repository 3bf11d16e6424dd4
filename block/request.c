/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that wait for nobody.  A request is a tree of pieces:
 *
 *     [ read 64 KiB of qcow2 ]            passes qcow2's gate, asks its map
 *        |-- [ 48 KiB of file at x ]      in the ring
 *        |-- [ 12 KiB of backing at y ]   raw, then its file: in the ring
 *        `-- [ 4 KiB, not known ]         a worker calls qcow2's read
 *
 * A piece that lies in one place below as a whole becomes a piece of that node: a raw
 * image costs one piece.  When a piece's last child is done, it leaves the gate and
 * tells its parent; the root tells whoever asked.
 *
 * Under the lock of the request's context, except work() and gate_opened().
 */

#include "block/request.h"

#include "block/gate.h"
#include "block/node_private.h"
#include "block/queue.h"

#include <errno.h>

/* Ranges of a piece that need no list of their own. */
enum { FEW = 4, RANGES_MAX = 1024 };
/* From here on the kernel's copy to or from its page cache is worth another thread. */
enum { LARGE = 256 << 10 };

typedef enum { PIECE_MOVE, PIECE_FLUSH, PIECE_DISCARD, PIECE_ZEROES } PieceKind;

typedef struct Piece Piece;
struct Piece {
    Task task;
    GateWait wait;
    Piece *parent;
    RequestDone *done;              /* of the root */
    void *opaque;
    PieceKind kind;
    BlockAccess access;
    BlockNode *node;
    u64 offset, bytes;
    BlockVec data;
    bool may_unmap;
    Gate *gate;                     /* it is inside */
    unsigned below;                 /* children not done, and one while they are made */
    int error;
    struct iovec few[FEW], *many;
};

static void start(Piece *piece);

static Piece *piece_new(IoContext *io, PieceKind kind, BlockNode *node)
{
    Piece *piece = g_slice_new0(Piece);

    piece->task.io = io;
    piece->kind = kind;
    piece->node = node;
    return piece;
}

static void piece_done(Piece *piece, int error)
{
    Piece *parent = piece->parent;

    gate_leave(piece->gate);
    if (parent) {
        parent->error = parent->error ? parent->error : error;
    } else {
        piece->done(piece->opaque, error);
    }
    g_free(piece->many);
    g_slice_free(Piece, piece);
    if (parent && --parent->below == 0) {
        piece_done(parent, parent->error);
    }
}

static void task_done(Task *task, int result)
{
    piece_done(container_of(task, Piece, task), result);
}

static void end_later(Piece *piece, int error)
{
    piece->task.done = task_done;
    queue_end(&piece->task, error);
}

static Piece *child_new(Piece *parent, BlockNode *node, u64 offset, BlockVec data)
{
    Piece *child = piece_new(parent->task.io, parent->kind, node);

    child->parent = parent;
    child->access = parent->access;
    child->offset = offset;
    child->data = data;
    parent->below++;
    return child;
}

/* ---- workers ---- */

static int work(Task *task)
{
    Piece *piece = container_of(task, Piece, task);
    BlockNode *node = piece->node;

    switch (piece->kind) {
    case PIECE_MOVE:
        return node_slow(node, piece->access, piece->offset, piece->data);
    case PIECE_FLUSH:
        return node_flush(node);
    case PIECE_DISCARD:
        return node_discard_inside(node, piece->offset, piece->bytes);
    default:
        return node_zero_inside(node, piece->offset, piece->bytes, piece->may_unmap);
    }
}

static void give_to_worker(Piece *piece)
{
    piece->task.work = work;
    piece->task.done = task_done;
    queue_work(&piece->task, !piece->node->driver->is_protocol);
}

/* ---- the ring ---- */

static void push_rest(Piece *piece);

/* The end of a file reads as zeroes; what was moved in part goes on. */
static void moved(Task *task, int result)
{
    Piece *piece = container_of(task, Piece, task);
    bool again = result == -EINTR || result == -EAGAIN;

    if (result < 0 && !again) {
        piece_done(piece, result);
        return;
    }
    if (!result && piece->access == BLOCK_READ) {
        vec_fill(piece->data, 0);
        result = piece->data.bytes;
    } else if (!result) {
        piece_done(piece, -ENOSPC);
        return;
    }
    if (!again) {
        piece->offset += result;
        piece->data = vec_slice(piece->data, result, piece->data.bytes - result);
    }
    if (piece->data.bytes) {
        push_rest(piece);
        return;
    }
    if (piece->access == BLOCK_WRITE) {
        node_extend(piece->node, piece->offset);
    }
    piece_done(piece, 0);
}

/* The caller's own list serves if the window is all of it. */
static void push_rest(Piece *piece)
{
    BlockVec data = piece->data;
    const struct iovec *iov = data.iov;
    unsigned n = data.n;
    struct iovec *own = piece->few;

    if (data.skip || n > RANGES_MAX || vec_all(data.iov, data.n).bytes != data.bytes) {
        if (n > FEW) {
            own = piece->many = piece->many ? piece->many
                                : g_new(struct iovec, MIN(n, RANGES_MAX));
        }
        n = vec_flatten(data, own, n > FEW ? MIN(n, RANGES_MAX) : FEW, NULL);
        iov = own;
    }
    piece->task.done = moved;
    piece->task.is_large = piece->node->align == 1 && data.bytes >= LARGE;
    queue_move(&piece->task, piece->node->driver->fd(piece->node), piece->access,
               piece->offset, iov, n);
}

static bool has_fd(const Piece *piece, BlockNode *node)
{
    return node->driver->fd && node->driver->fd(node) >= 0 &&
           queue_has_ring(piece->task.io);
}

static bool can_queue(const Piece *piece, BlockNode *node)
{
    return has_fd(piece, node) &&
           (node->align == 1 ||
            (((piece->offset | piece->data.bytes) & (node->align - 1)) == 0 &&
             vec_is_aligned(piece->data, node->align)));
}

/* ---- down the graph ---- */

/* A driver that has a map is asked until all is known; true: it became the child. */
static bool follow_map(Piece *piece)
{
    u64 offset = piece->offset;
    BlockVec rest = piece->data;

    piece->below = 1;
    while (rest.bytes) {
        BlockMap map = node_map(piece->node, piece->access, offset, rest.bytes);
        BlockVec part = vec_slice(rest, 0, map.bytes);
        Piece *child;

        if (map.kind == MAP_NODE && map.bytes == piece->data.bytes && !piece->gate) {
            piece->node = map.node;
            piece->offset = map.offset;
            return true;
        }
        if (map.kind == MAP_ZERO) {
            vec_fill(part, 0);
        } else {
            child = child_new(piece, map.kind == MAP_NODE ? map.node : piece->node,
                              map.kind == MAP_NODE ? map.offset : offset, part);
            if (map.kind == MAP_NODE) {
                start(child);
            } else {
                give_to_worker(child);
            }
        }
        offset += map.bytes;
        rest = vec_slice(rest, map.bytes, rest.bytes - map.bytes);
    }
    if (--piece->below == 0) {
        end_later(piece, piece->error);
    }
    return false;
}

static void move(Piece *piece)
{
    do {
        BlockNode *node = piece->node;

        if (!node_has(node, piece->access, piece->offset, piece->data.bytes)) {
            end_later(piece, -EIO);
            return;
        }
        if (node->gate != piece->gate) {        /* the next one down has its own */
            start(piece);
            return;
        }
        if (!node->driver->map) {
            if (can_queue(piece, node)) {
                push_rest(piece);
            } else {
                give_to_worker(piece);
            }
            return;
        }
    } while (follow_map(piece));
}

/* Below a format that has nothing to write there are its files. */
static void flush(Piece *piece)
{
    BlockNode *node = piece->node, *below[] = { node->data, node->file };
    const BlockDriver *driver = node->driver;

    if (!node_is_writable(node) || (driver->is_protocol &&
                                    (node->flags & BLOCK_NO_FLUSH))) {
        end_later(piece, 0);
    } else if (has_fd(piece, node)) {
        piece->task.done = task_done;
        queue_flush(&piece->task, driver->fd(node));
    } else if (driver->flush && !(driver->is_clean && driver->is_clean(node))) {
        give_to_worker(piece);
    } else {
        piece->below = 1;
        for (unsigned i = 0; i < G_N_ELEMENTS(below); i++) {
            if (below[i]) {
                flush(child_new(piece, below[i], 0, piece->data));
            }
        }
        if (--piece->below == 0) {
            end_later(piece, 0);
        }
    }
}

static void enter(Piece *piece)
{
    switch (piece->kind) {
    case PIECE_MOVE:
        move(piece);
        break;
    case PIECE_FLUSH:
        flush(piece);
        break;
    default:
        give_to_worker(piece);
    }
}

static void entered(Task *task, int result)
{
    (void)result;
    enter(container_of(task, Piece, task));
}

/* Whoever left the gate let this one in: it goes on in its own context. */
static void gate_opened(GateWait *wait)
{
    Piece *piece = container_of(wait, Piece, wait);

    piece->task.done = entered;
    queue_end(&piece->task, 0);
}

static void start(Piece *piece)
{
    Gate *gate = piece->kind == PIECE_FLUSH ? NULL : piece->node->gate;

    g_assert(!piece->gate);
    piece->gate = gate;
    piece->wait = (GateWait){ gate_opened, piece->kind != PIECE_MOVE, NULL };
    if (!gate || gate_try(gate, &piece->wait)) {
        enter(piece);
    }
}

/* ---- from outside ---- */

static Piece *root_new(IoContext *io, PieceKind kind, BlockNode *node,
                       RequestDone *done, void *opaque)
{
    Piece *piece = piece_new(io, kind, node);

    piece->done = done;
    piece->opaque = opaque;
    return piece;
}

void request_move(IoContext *io, BlockNode *node, BlockAccess access, u64 offset,
                  BlockVec data, RequestDone *done, void *opaque)
{
    Piece *piece = root_new(io, PIECE_MOVE, node, done, opaque);

    piece->access = access;
    piece->offset = offset;
    piece->data = data;
    start(piece);
}

void request_flush(IoContext *io, BlockNode *node, RequestDone *done, void *opaque)
{
    start(root_new(io, PIECE_FLUSH, node, done, opaque));
}

static void start_range(Piece *piece, u64 offset, u64 bytes)
{
    if (!node_has(piece->node, BLOCK_WRITE, offset, bytes)) {
        end_later(piece, node_is_writable(piece->node) ? -EIO : -EPERM);
        return;
    }
    piece->node = node_pass(piece->node, &offset, bytes);
    piece->offset = offset;
    piece->bytes = bytes;
    start(piece);
}

void request_discard(IoContext *io, BlockNode *node, u64 offset, u64 bytes,
                     RequestDone *done, void *opaque)
{
    Piece *piece = root_new(io, PIECE_DISCARD, node, done, opaque);

    if (!bytes || !(node->flags & BLOCK_UNMAP)) {
        end_later(piece, 0);
    } else {
        start_range(piece, offset, bytes);
    }
}

void request_zeroes(IoContext *io, BlockNode *node, u64 offset, u64 bytes,
                    bool may_unmap, RequestDone *done, void *opaque)
{
    Piece *piece = root_new(io, PIECE_ZEROES, node, done, opaque);

    piece->may_unmap = may_unmap;
    if (!bytes) {
        end_later(piece, 0);
    } else {
        start_range(piece, offset, bytes);
    }
}

void request_fail(IoContext *io, int error, RequestDone *done, void *opaque)
{
    end_later(root_new(io, PIECE_MOVE, NULL, done, opaque), error);
}

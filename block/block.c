/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of a Block: see block.h.  Each goes down the graph (request.c); what comes
 * back in error is reported, ignored, or kept until the machine goes on.  Under the
 * lock of the Block's context.
 */

#include "block/block_private.h"

#include "block/queue.h"
#include "block/request.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef enum { DO_READ, DO_WRITE, DO_FLUSH, DO_DISCARD, DO_ZEROES } What;

struct BlockRequest {
    Block *block;
    What what;
    bool fua, may_unmap;
    bool written;                   /* the data is, and now it is flushed */
    u64 offset, bytes;
    BlockVec data;
    BlockDone *done;
    void *opaque;
    int error;                      /* why it is stopped */
    BlockRequest *next;
};

BlocksHost blocks_host;

static void go(BlockRequest *request);

/* ---- ends ---- */

static void finish(BlockRequest *request, int error)
{
    Block *block = request->block;
    BlockDone *done = request->done;
    void *opaque = request->opaque;

    block->in_flight--;
    g_slice_free(BlockRequest, request);
    done(opaque, error);
}

static void list_add(BlockRequest **end, BlockRequest *request)
{
    while (*end) {
        end = &(*end)->next;
    }
    request->next = NULL;
    *end = request;
}

static void keep(BlockRequest *request, int error)
{
    Block *block = request->block;

    request->error = error;
    list_add(&block->stopped, request);
    block->n_stopped++;
    blocks_host.stop(block->id, request->what != DO_READ, error);
}

static bool stops(const BlockRequest *request, int error)
{
    const BlockSettings *settings = &request->block->settings;
    BlockOnError on = request->what == DO_READ ? settings->on_read
                                               : settings->on_write;

    return blocks_host.stop && (on == ON_ERROR_STOP ||
                                (on == ON_ERROR_ENOSPC && error == -ENOSPC));
}

static bool is_ignored(const BlockRequest *request)
{
    const BlockSettings *settings = &request->block->settings;

    return (request->what == DO_READ ? settings->on_read : settings->on_write) ==
           ON_ERROR_IGNORE;
}

static void came_back(void *opaque, int error)
{
    BlockRequest *request = opaque;

    if (!error && !request->written &&
        (request->fua || (request->what != DO_READ && request->what != DO_FLUSH &&
                          !request->block->writeback))) {
        request->written = true;
        go(request);
    } else if (error && error != -ENOMEDIUM && stops(request, error)) {
        keep(request, error);
    } else {
        finish(request, error && is_ignored(request) ? 0 : error);
    }
}

/* ---- beginnings ---- */

static bool is_inside(const Block *block, u64 offset, u64 bytes)
{
    u64 length = block_length(block);

    return offset <= length && bytes <= length - offset;
}

/* Zeroes may be written in a cheaper way, if the user says so. */
static void detect_zeroes(BlockRequest *request)
{
    BlockDetect detect = request->block->settings.detect_zeroes;

    if (detect != DETECT_OFF && request->what == DO_WRITE && request->data.bytes &&
        vec_is_zero(request->data)) {
        request->what = DO_ZEROES;
        request->bytes = request->data.bytes;
        request->may_unmap = detect == DETECT_UNMAP;
    }
}

static void go_down(BlockRequest *r)
{
    IoContext *io = r->block->io;
    BlockNode *root = r->block->root;

    switch (r->written ? DO_FLUSH : r->what) {
    case DO_READ:
        request_move(io, root, BLOCK_READ, r->offset, r->data, came_back, r);
        break;
    case DO_WRITE:
        request_move(io, root, BLOCK_WRITE, r->offset, r->data, came_back, r);
        break;
    case DO_FLUSH:
        request_flush(io, root, came_back, r);
        break;
    case DO_DISCARD:
        request_discard(io, root, r->offset, r->bytes, came_back, r);
        break;
    case DO_ZEROES:
        request_zeroes(io, root, r->offset, r->bytes, r->may_unmap, came_back, r);
        break;
    }
}

static u64 size_of(const BlockRequest *request)
{
    return MAX(request->bytes, request->data.bytes);
}

static void go(BlockRequest *request)
{
    Block *block = request->block;

    if (!block->root) {
        request_fail(block->io, -ENOMEDIUM, came_back, request);
    } else if (!is_inside(block, request->offset, size_of(request))) {
        request_fail(block->io, -EIO, came_back, request);
    } else {
        go_down(request);
    }
}

/* ---- rates ---- */

static void begin_delayed(Block *block);

static void alarm_rang(void *opaque)
{
    Block *block = opaque;
    u64 count;

    if (read(block->alarm_fd, &count, sizeof count) == sizeof count) {
        begin_delayed(block);
    }
}

static void set_alarm(Block *block, u64 us)
{
    struct itimerspec when = { .it_value = { us / 1000000, us % 1000000 * 1000 } };

    if (!block->alarm) {
        block->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        g_assert(block->alarm_fd >= 0);
        block->alarm = io_watch(block->io, block->alarm_fd, alarm_rang, block);
    }
    timerfd_settime(block->alarm_fd, 0, &when, NULL);
}

void block_drop_alarm(Block *block)
{
    if (block->alarm) {
        io_unwatch(block->alarm);
        close(block->alarm_fd);
        block->alarm = NULL;
    }
}

/* Begins what the rates allow, each way in order; the alarm rings for the rest. */
static void begin_delayed(Block *block)
{
    Throttle *throttle = block->settings.throttle;
    u64 soonest = 0;

    for (unsigned write = 0; write < 2; write++) {
        BlockRequest *request;

        while ((request = block->delayed[write])) {
            s64 now = g_get_monotonic_time();
            u64 wait = block->draining ? 0 : throttle_wait(throttle, write, now);

            if (wait) {
                soonest = soonest ? MIN(soonest, wait) : wait;
                break;
            }
            block->delayed[write] = request->next;
            throttle_count(throttle, write, size_of(request), now);
            go(request);
        }
    }
    if (soonest) {
        set_alarm(block, soonest);
    }
}

static void begin(BlockRequest *request)
{
    Block *block = request->block;

    if (block->settings.throttle) {
        list_add(&block->delayed[request->what != DO_READ], request);
        begin_delayed(block);
    } else {
        go(request);
    }
}

/* ---- requests ---- */

static BlockRequest *request_new(Block *block, What what, u64 offset, BlockDone *done,
                                 void *opaque)
{
    BlockRequest *request = g_slice_new0(BlockRequest);

    g_assert(io_locked(block->io));
    request->block = block;
    request->what = what;
    request->offset = offset;
    request->done = done;
    request->opaque = opaque;
    block->in_flight++;
    return request;
}

void block_read(Block *block, u64 offset, BlockVec to, BlockDone *done, void *opaque)
{
    BlockRequest *request = request_new(block, DO_READ, offset, done, opaque);

    request->data = to;
    begin(request);
}

void block_write(Block *block, u64 offset, BlockVec from, bool fua, BlockDone *done,
                 void *opaque)
{
    BlockRequest *request = request_new(block, DO_WRITE, offset, done, opaque);

    request->data = from;
    request->fua = fua;
    detect_zeroes(request);
    begin(request);
}

void block_flush(Block *block, BlockDone *done, void *opaque)
{
    go(request_new(block, DO_FLUSH, 0, done, opaque));
}

void block_discard(Block *block, u64 offset, u64 bytes, BlockDone *done, void *opaque)
{
    BlockRequest *request = request_new(block, DO_DISCARD, offset, done, opaque);

    request->bytes = bytes;
    go(request);
}

void block_write_zeroes(Block *block, u64 offset, u64 bytes, bool may_unmap,
                        BlockDone *done, void *opaque)
{
    BlockRequest *request = request_new(block, DO_ZEROES, offset, done, opaque);

    request->bytes = bytes;
    request->may_unmap = may_unmap;
    begin(request);
}

void block_plug(Block *block)
{
    queue_plug(block->io);
}

void block_unplug(Block *block)
{
    queue_unplug(block->io);
}

/* ---- waiting ---- */

unsigned block_in_flight(const Block *block)
{
    return block->in_flight;
}

static BlockRequest *take_stopped(Block *block)
{
    BlockRequest *all = block->stopped;

    block->stopped = NULL;
    block->n_stopped = 0;
    return all;
}

void block_retry(Block *block)
{
    BlockRequest *request = take_stopped(block), *next;

    for (; request; request = next) {
        next = request->next;
        go(request);
    }
}

static void cancel_stopped(Block *block)
{
    BlockRequest *request = take_stopped(block), *next;

    for (; request; request = next) {
        next = request->next;
        finish(request, -ECANCELED);
    }
}

void block_drain(Block *block, bool cancel)
{
    g_assert(io_locked(block->io));
    block->draining++;
    begin_delayed(block);
    while (block->in_flight > block->n_stopped) {
        queue_wait(block->io);
    }
    block->draining--;
    if (cancel && block->n_stopped) {
        cancel_stopped(block);
        block_drain(block, true);
    }
}

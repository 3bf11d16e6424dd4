/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block: a disk as a device holds it (-drive, or a node of -blockdev).
 *
 *     disk->block = block_take(config.drive, &host, disk, err);
 *     block_read(disk->block, offset, vec_all(iov, n), read_done, request);
 *
 * Requests are asynchronous.  They may be started by any thread that holds the lock of
 * the Block's IoContext (base/io.h; the machine lock unless an I/O thread was chosen),
 * and are completed under that lock, in any order, in the loop's thread or in a thread
 * that waits in block_drain; never from within the call that starts them.  The memory
 * that a BlockVec shows (the iovec list too) belongs to the request until then.
 *
 * What the user said with werror= and rerror= is done here: a request that failed is
 * completed with its error, or as if it had not (ignore), or it waits until the machine
 * goes on and is then tried again (stop).  Geometry: offsets and lengths are bytes;
 * requests beyond the end fail.
 *
 * Everything else is the main thread's.
 */

#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include "base/io.h"
#include "block/node.h"

typedef struct Block Block;

/* `error` is 0 or -errno. */
typedef void BlockDone(void *opaque, int error);

typedef enum { BLOCK_DISK, BLOCK_CDROM } BlockMedia;
typedef enum { ON_ERROR_REPORT, ON_ERROR_IGNORE, ON_ERROR_STOP,
               ON_ERROR_ENOSPC } BlockOnError;

/* What the device wants to hear; under the lock of the Block's context. */
typedef struct {
    void (*resized)(void *opaque);          /* block_length changed */
    void (*changed)(void *opaque);          /* another medium, or none */
    void (*eject_wanted)(void *opaque);     /* by the user; the guest has locked it */
} BlockHost;

/* ---- finding one ---- */

typedef enum {
    BLOCK_TAKE_WRITES = 1,          /* it needs to write: read-only is refused */
    BLOCK_TAKE_SHARES = 2,          /* share-rw=on: others may write at the same time */
} BlockTake;

/*
 * The Block with this id, or a new one on the node with this name; it belongs to the
 * caller until block_release.  Errors: there is none ("can't find value 'x'"), it is in
 * use, or another process has the image.
 */
Block *block_take(const char *id, BlockTake how, const BlockHost *host, void *opaque,
                  GError **err) must_check;
void block_release(Block *block);           /* drains it; NULL is allowed */

/* Where it works; before the first request.  io_main() unless this is called. */
void block_set_context(Block *block, IoContext *io);
IoContext *block_context(const Block *block);

/* ---- what it is ---- */

const char *block_id(const Block *block);
BlockNode *block_root(const Block *block);  /* NULL: no medium */
bool block_is_node(const Block *block);     /* of -blockdev: it has the node's name */
bool block_has_medium(const Block *block);
u64 block_length(const Block *block);       /* 0 without a medium */
bool block_is_readonly(const Block *block);
BlockMedia block_media(const Block *block);
const char *block_serial(const Block *block);       /* -drive serial=; or NULL */
void block_set_removable(Block *block);     /* its device is a CD drive */
bool block_can_discard(const Block *block);         /* discard=unmap */
bool block_writeback(const Block *block);   /* false: every write is flushed */
void block_set_writeback(Block *block, bool on);
void block_lock_tray(Block *block, bool locked);    /* the guest forbids an eject */
/* The guest ejects or loads: the monitor sees a tray that is open. */
void block_move_tray(Block *block, bool open);

/* ---- requests ---- */

void block_read(Block *block, u64 offset, BlockVec to, BlockDone *done, void *opaque);
/* fua: not done before it is safe. */
void block_write(Block *block, u64 offset, BlockVec from, bool fua, BlockDone *done,
                 void *opaque);
/* All writes that were done before are safe. */
void block_flush(Block *block, BlockDone *done, void *opaque);
void block_discard(Block *block, u64 offset, u64 bytes, BlockDone *done, void *opaque);
void block_write_zeroes(Block *block, u64 offset, u64 bytes, bool may_unmap,
                        BlockDone *done, void *opaque);

/* Between these, requests are gathered and reach the kernel together. */
void block_plug(Block *block);
void block_unplug(Block *block);

unsigned block_in_flight(const Block *block);   /* those that wait for `cont` too */
/*
 * Waits until all are done; with `cancel` those that wait for `cont` end with
 * -ECANCELED, otherwise they stay.  The caller holds the lock; completions are called.
 */
void block_drain(Block *block, bool cancel);

/* ---- the machine's side ---- */

/*
 * How the block layer reaches the machine; set once.  stop: a request failed and the
 * user wants the machine to stand ("io-error"); any thread.
 */
typedef struct {
    void (*stop)(const char *id, bool write, int error);
} BlocksHost;
void blocks_set_host(const BlocksHost *host);

/* -blockdev: a node with a name.  (-drive: block/drive.h) */
bool blockdev_add(const char *text, GError **err) must_check;

void blocks_drain_all(void);        /* the machine stands; flushes too */
void blocks_retry(void);            /* it goes on: what failed is tried again */
void blocks_close_all(void);        /* after the devices are gone */

Block *block_by_id(const char *id);  /* for the monitor; NULL: none */
/* By NULL the first one; walks all. */
Block *block_next(const Block *block);
bool block_resize(const char *id, u64 bytes, GError **err) must_check;
bool block_eject(const char *id, bool force, GError **err) must_check;
bool block_change(const char *id, const char *filename, const char *format,
                  GError **err) must_check;
bool block_commit(const char *id, GError **err) must_check;     /* "all": every one */
void blocks_describe(GString *out);    /* info block */

#endif

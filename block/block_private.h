/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between block.c (requests of a Block), blocks.c (the machine's side) and drive.c
 * (where Blocks come from).  Nobody else includes this.
 */

#ifndef BLOCK_BLOCK_PRIVATE_H
#define BLOCK_BLOCK_PRIVATE_H

#include "block/block.h"
#include "block/throttle.h"

typedef enum { DETECT_OFF, DETECT_ON, DETECT_UNMAP } BlockDetect;

/* What the user said of a Block; kept when the medium changes. */
typedef struct {
    BlockMedia media;
    BlockOnError on_read, on_write;
    BlockDetect detect_zeroes;
    BlockFlags flags;               /* for a medium that is loaded later */
    bool writethrough;
    str serial;
    Throttle *throttle;             /* NULL: as fast as it goes */
} BlockSettings;

typedef struct BlockRequest BlockRequest;

struct Block {
    Block *next;
    char *id;
    BlockNode *root;                /* NULL: no medium */
    BlockSettings settings;
    bool shares;                    /* share-rw=on: others may write too */
    bool hidden;                    /* made for a node, goes with its device */
    const BlockHost *host;          /* of the device that has it; NULL: nobody's */
    void *opaque;
    IoContext *io;
    bool writeback, tray_open, tray_locked;
    unsigned in_flight, n_stopped;
    BlockRequest *stopped;          /* they wait for `cont`: first, in order */
    BlockRequest *delayed[2];       /* by the throttle: reads, writes */
    IoWatch *alarm;                 /* rings when the next of them may begin */
    int alarm_fd;
    unsigned draining;              /* nothing is delayed meanwhile */
};

/* Takes over the reference to `root` (may be NULL) and the settings' strings. */
Block *block_new(const char *id, BlockNode *root, const BlockSettings *settings);
void block_free(Block *block);
void block_retry(Block *block);     /* under its lock */
void block_drop_alarm(Block *block);        /* under its lock, drained */

extern BlocksHost blocks_host;

#endif

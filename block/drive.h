/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive and its short forms (-hda, -cdrom, ...): a Block, and where it is plugged in.
 * The board's code asks here for the drives that it has to make devices for.
 *
 * Main thread.
 */

#ifndef BLOCK_DRIVE_H
#define BLOCK_DRIVE_H

#include "block/block.h"

typedef enum { DRIVE_NONE, DRIVE_IDE, DRIVE_VIRTIO, DRIVE_PFLASH, DRIVE_SCSI,
               DRIVE_FLOPPY, DRIVE_SD } DriveInterface;

typedef struct {
    DriveInterface interface;
    unsigned index;                 /* per interface, unique: IDE 0 is -hda */
    BlockMedia media;
    char *id;                       /* of its Block: the user's, or "ide0-hd0" */
    bool taken;                     /* a device has been made for it */
} Drive;

/*
 * Opens a drive.  `text` as after -drive; `all_snapshot`: -snapshot was given.  Two
 * drives on one index are an error.
 */
bool drive_add(const char *text, bool all_snapshot, GError **err) must_check;

/* For the board: the drive with this index, or NULL; the one with the next index. */
Drive *drive_find(DriveInterface interface, unsigned index);
Drive *drive_next(DriveInterface interface, const Drive *drive);
/* In the order given; NULL after the last. */
Drive *drive_nth(unsigned n);
void drives_free(void);

#endif

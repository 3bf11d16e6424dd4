/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's disks in a snapshot: the section "disks" of `state`, u32 number, each
 *
 *     text     its -drive option, without what names the image
 *     u32      images, each over the next one
 *              text file, text format, u32 layer (vm/snapshot_layers.h), or all ones:
 *              it is the user's own, which must not change.  Of that u64 bytes, u64
 *              time of change (ns since 1970), u64 hash of the beginning.  The user's
 *              come last.  Their format may be "raw,offset=512,size=1024", or
 *              "qcow2,backing=": no image below it, whatever its header says
 *
 * A node of -blockdev that a device has is saved as what `-drive if=none,id=NODE,...`
 * makes of it: the device finds that by the same name.
 *
 * What the machine has written lies in an image of its own here, a qcow2 file; nothing
 * is ever written to one that is in use.  Main thread, the machine paused.
 */

#ifndef VM_SNAPSHOT_DISKS_H
#define VM_SNAPSHOT_DISKS_H

#include "vm/snapshot_image.h"
#include "vm/vm_config.h"

typedef struct {
    char *words;                /* as in the section */
    GPtrArray *images;          /* Image, the uppermost first */
} SavedDisk;

/* Can all disks of this machine be saved? */
bool disks_can_be_saved(GError **err) must_check;
/*
 * Writes images into the folder `dir` and the section into `out`; `changes`: over those
 * of the snapshot that the machine came from.
 */
bool disks_save(const VmConfig *config, const char *dir, bool changes, GByteArray *out,
                GError **err) must_check;
/* What the section says (SavedDisk), whatever is there. */
GPtrArray *disks_parse(StateFile *file, GError **err) must_check;
void saved_disk_free(void *disk);
void saved_disk_put(const SavedDisk *disk, GByteArray *out);
/* Finds its images, of which a user's must be unchanged; the options of a node. */
char *saved_disk_images(SavedDisk *disk, const Layers *layers, GError **err) must_check;
/* Judges the section and adds its -drive options to `config`. */
bool disks_load(StateFile *file, const Layers *layers, VmConfig *config,
                GError **err) must_check;

#endif

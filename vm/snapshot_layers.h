/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folders that a snapshot is made of: itself, and those of its parents, from which
 * it has what did not change.  The section "layers" of `state`: u32 number, each text
 * folder (relative to the snapshot), u32 the checksum that its `state` must have.
 * Number 0 is the snapshot itself.  Main thread.
 */

#ifndef VM_SNAPSHOT_LAYERS_H
#define VM_SNAPSHOT_LAYERS_H

#include "vm/snapshot_file.h"

enum { LAYERS_MAX = 64 };

typedef struct {
    char *dir;                  /* absolute */
    u32 crc;
} Layer;

typedef struct {
    unsigned n;
    Layer layer[LAYERS_MAX];
} Layers;

/* The section of a snapshot in `dir` with these parents (NULL: none). */
void layers_save(const Layers *parents, const char *dir, GByteArray *out);
/* What the section says, whatever is there; number 0 is `dir`. */
Layers *layers_parse(StateFile *file, const char *dir, GError **err) must_check;
/* Is a parent there, and the one that it shall be? */
bool layer_check(const Layer *parent, GError **err) must_check;
/* Both, of all of them. */
Layers *layers_load(StateFile *file, const char *dir, GError **err) must_check;
void layers_free(Layers *layers);                   /* NULL is allowed */
bool layers_have(const Layers *layers, const char *dir);

/* A file's name in one of them; NULL: no such layer, or a name that leads elsewhere. */
char *layers_file(const Layers *layers, u32 layer, const char *name);

#endif

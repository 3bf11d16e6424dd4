/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files behind hw/core/memory.h share: region.c (what is in a space), space.c
 * (its view), dispatch.c (accesses), memory.c (RAM).  Nobody else includes this.
 */

#ifndef HW_CORE_SPACE_PRIVATE_H
#define HW_CORE_SPACE_PRIVATE_H

#include "hw/core/memory.h"

typedef struct {
    SpaceFn *changed;
    void *opaque;
} Listener;

struct Space {
    char *name;
    u64 last;                   /* highest address */
    GPtrArray *regions;         /* Region *, in order of addition */
    FlatView *view;             /* what CPUs see now; atomic */
    unsigned hint;              /* the range hit last; atomic, only ever a guess */
    GArray *listeners;          /* Listener */
    unsigned depth;             /* space_begin without space_commit */
    bool changed, bells_changed, publishing;
};

/* Notes a change and, outside of a transaction, makes it visible. */
void space_update(Space *space, bool bells);

/* No BellHint from before holds from now on, and nobody rings by one. */
void bells_forget(void);

/* Index of the first range that ends at or after `at`; n if there is none. */
unsigned view_index(const FlatView *view, u64 at);

/* A region that shows host memory: RAM, ROM or an alias of RAM. */
void region_init_host(Region *region, const char *name, u8 *host, u64 size);

/*
 * Marks the pages of [page, page + n) as written and tells who decoded code from them.
 */
void mem_pages_written(Mem *mem, u64 page, u64 n);

#endif

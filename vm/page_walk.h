/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings that a vCPU's page tables hold, for the monitor.  The guest's tables are
 * read from its RAM, which may change meanwhile unless the vCPUs stand; nothing in them
 * is trusted.  The main thread.
 */

#ifndef VM_PAGE_WALK_H
#define VM_PAGE_WALK_H

#include "accel/x86_state.h"
#include "hw/core/memory.h"

typedef struct {
    gva from;
    u64 size;               /* of the page */
    gpa to;
    u64 flags;              /* of the entry that maps it */
    bool user, write;       /* allowed by the entries on all levels */
} PageMapping;

enum {
    PTE_P = 1 << 0, PTE_W = 1 << 1, PTE_U = 1 << 2, PTE_PWT = 1 << 3, PTE_PCD = 1 << 4,
    PTE_A = 1 << 5, PTE_D = 1 << 6, PTE_PS = 1 << 7, PTE_G = 1 << 8,
};
#define PTE_NX (1ull << 63)

/* Gets the mappings by rising address; false ends the walk. */
typedef bool PageFn(void *opaque, const PageMapping *mapping);

typedef enum {
    PAGE_WALK_ALL,
    PAGE_WALK_CUT,          /* fn had enough, or the tables have no end */
    PAGE_WALK_OFF,          /* there is no paging */
} PageWalkEnd;

PageWalkEnd page_walk(const Mem *mem, const X86State *state, PageFn *fn, void *opaque);

#endif

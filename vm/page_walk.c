/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables (SDM vol. 3, chapter 4): 32-bit, PAE, 4-level and 5-level paging.
 */

#include "vm/page_walk.h"

#include <string.h>

/* How a paging mode lays out its tables, from the root: index bits per level. */
typedef struct {
    unsigned levels, entry_bytes;
    u8 bits[5];
    u64 root_mask;              /* of cr3 */
} Layout;

static const Layout layouts[] = {
    { 2, 4, { 10, 10 },          0xfffff000 },
    { 3, 8, { 2, 9, 9 },         0xffffffe0 },
    { 4, 8, { 9, 9, 9, 9 },      0x000ffffffffff000 },
    { 5, 8, { 9, 9, 9, 9, 9 },   0x000ffffffffff000 },
};

/* Tables that point to each other in circles describe 2^36 pages: it has to end. */
enum { MOST_TABLES = 1 << 16 };

typedef struct {
    const Mem *mem;
    const Layout *layout;
    bool pse;                   /* 4 MiB pages in 32-bit paging */
    unsigned tables;            /* read so far */
    PageFn *fn;
    void *opaque;
} Walk;

/* Does this entry map a page itself, `shift` being the size of what it covers? */
static bool is_leaf(const Walk *walk, u64 entry, unsigned shift)
{
    if (shift == PAGE_SHIFT) {
        return true;
    }
    return (entry & PTE_PS) && (shift == 21 || shift == 22 || shift == 30) &&
           (shift != 22 || walk->pse) && (shift != 30 || walk->layout->levels >= 4);
}

static gpa target(const Walk *walk, u64 entry, unsigned shift)
{
    if (shift == 22) {          /* PSE-36: bits 13-20 are address bits 32-39 */
        return (entry & 0xffc00000) | ((entry >> 13 & 0xff) << 32);
    }
    if (walk->layout->entry_bytes == 4) {
        return entry & 0xfffff000;
    }
    return entry & 0x000ffffffffff000 & ~((1ull << shift) - 1);
}

/* The upper half of the address space is sign-extended. */
static gva canonical(const Walk *walk, gva at)
{
    unsigned width = walk->layout->levels == 5 ? 57 : 48;

    if (walk->layout->levels < 4 || !(at >> (width - 1) & 1)) {
        return at;
    }
    return at | ~0ull << width;
}

static u64 entry_at(const Walk *walk, const u8 *table, unsigned index)
{
    unsigned size = walk->layout->entry_bytes;
    u64 entry = 0;

    memcpy(&entry, table + index * size, size);
    return entry;
}

static bool walk_table(Walk *walk, unsigned level, gpa at, unsigned shift,
                       PageMapping above);

/* One entry, which covers 2^shift bytes from `from`. */
static bool walk_entry(Walk *walk, unsigned level, u64 entry, unsigned shift, gva from,
                       PageMapping above)
{
    /* the root entries of PAE paging carry no rights */
    bool rights = walk->layout->levels != 3 || level > 0;
    PageMapping here = {
        .from = from,
        .size = 1ull << shift,
        .flags = entry,
        .user = above.user && (!rights || (entry & PTE_U)),
        .write = above.write && (!rights || (entry & PTE_W)),
    };

    if (!(entry & PTE_P)) {
        return true;
    }
    if (!is_leaf(walk, entry, shift)) {
        return walk_table(walk, level + 1, target(walk, entry, PAGE_SHIFT), shift,
                          here);
    }
    here.to = target(walk, entry, shift);
    here.from = canonical(walk, from);
    return walk->fn(walk->opaque, &here);
}

static bool walk_table(Walk *walk, unsigned level, gpa at, unsigned shift,
                       PageMapping above)
{
    unsigned n = 1u << walk->layout->bits[level];
    u8 table[PAGE_BYTES];
    bool goes_on = ++walk->tables < MOST_TABLES;

    if (!mem_read(walk->mem, at, table, n * walk->layout->entry_bytes)) {
        return true;            /* it points nowhere */
    }
    shift -= walk->layout->bits[level];
    for (unsigned i = 0; i < n && goes_on; i++) {
        goes_on = walk_entry(walk, level, entry_at(walk, table, i), shift,
                             above.from + ((u64)i << shift), above);
    }
    return goes_on;
}

PageWalkEnd page_walk(const Mem *mem, const X86State *state, PageFn *fn, void *opaque)
{
    const X86Control *c = &state->control;
    unsigned kind = !(c->cr4 & CR4_PAE) ? 0 : !(c->efer & EFER_LMA) ? 1
                    : c->cr4 & CR4_LA57 ? 3 : 2;
    const Layout *layout = &layouts[kind];
    Walk walk = { mem, layout, c->cr4 & CR4_PSE, 0, fn, opaque };
    unsigned shift = PAGE_SHIFT;
    bool all;

    if (!(c->cr0 & CR0_PG)) {
        return PAGE_WALK_OFF;
    }
    for (unsigned level = 0; level < layout->levels; level++) {
        shift += layout->bits[level];
    }
    all = walk_table(&walk, 0, c->cr3 & layout->root_mask, shift,
                     (PageMapping){ .user = true, .write = true });
    return all ? PAGE_WALK_ALL : PAGE_WALK_CUT;
}

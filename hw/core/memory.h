/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory and the address map.
 *
 * Two things stand here, and they answer different questions.
 *
 *   Mem    the guest's RAM: a few large regions, fixed once the machine is built.
 *          Device DMA reaches these and nothing else, so there is no DMA re-entrancy.
 *          Any thread, no lock.  Every access has a length.
 *
 *   Space  what a CPU finds at an address: RAM, ROM, MMIO (or I/O ports).  It is a set
 *          of regions with priorities (the highest is seen; among equals, the newest),
 *          flattened into a sorted array (FlatView) whenever a region comes, goes or
 *          moves, and published by pointer swap:
 *
 *              regions  (prio 1)        [ BIOS ROM ]      [BAR]
 *                       (prio 0)  [........ RAM ........]        [ IOAPIC ]
 *              view               [ RAM | ROM | RAM     ] [BAR]  [ IOAPIC ]
 *
 *          Changed and dispatched under the machine lock.  Accelerators listen.
 */

#ifndef HW_CORE_MEMORY_H
#define HW_CORE_MEMORY_H

#include "base/types.h"
#include <sys/uio.h>

/* ---- RAM ---- */

typedef struct Mem Mem;
typedef struct Space Space;

Mem *mem_new(void);
void mem_free(Mem *mem);

/*
 * Adds RAM: `size` bytes (a multiple of the page size), reserved but not touched, and a
 * region of priority 0 in `space` (NULL: none).  Only while the machine is built.
 */
bool mem_add_ram(Mem *mem, Space *space, const char *name, gpa base, u64 size,
                 GError **err) must_check;
u64 mem_size(const Mem *mem);                       /* bytes of RAM in all */

/* Where RAM is, for who saves all of it: the i-th region that was added. */
typedef struct {
    const char *name;
    gpa base;
    u64 size;
    u64 page;                   /* number of its first page (ram_page) */
} MemRegion;
bool mem_region(const Mem *mem, unsigned i, MemRegion *out);    /* false: no such */

/*
 * RAM [at, at + n) becomes what file `fd` holds from `offset`, page by page as the
 * guest touches it; nothing is ever written to the file, and `fd` may be closed.  Whole
 * pages of one region; only while the machine is built.  Fails if the file is too
 * short.
 */
bool mem_map_file(Mem *mem, gpa at, size_t n, int fd, u64 offset,
                  GError **err) must_check;

/* All of these fail unless [at, at + n) lies inside one RAM region. */
bool mem_read(const Mem *mem, gpa at, void *to, size_t n) must_check;
bool mem_write(Mem *mem, gpa at, const void *from, size_t n) must_check;
/* Acquire and release; `at` is even. */
bool mem_load16(const Mem *mem, gpa at, u16 *value) must_check;
bool mem_store16(Mem *mem, gpa at, u16 value) must_check;

/*
 * The host range behind guest RAM, for handing to a system call only; device code never
 * looks through it.  It stays valid as long as the machine.  Whoever let the host write
 * there calls mem_written.
 */
bool mem_iov(Mem *mem, gpa at, size_t n, struct iovec *out) must_check;
void mem_written(Mem *mem, gpa at, size_t n);

/*
 * Written pages, one byte of flags per RAM page, set by mem_write/mem_written and by
 * the accelerators.  A page is known by its number in RAM (ram_page), which is dense
 * and does not depend on the guest-physical layout.
 */
enum {
    PAGE_DIRTY_DISPLAY = 1, PAGE_DIRTY_SNAPSHOT = 2, PAGE_DIRTY_ALL = 3,
    PAGE_CODE = 0x80,   /* the software CPU decoded code from here: tell it */
};
u8 *mem_page_flags(Mem *mem);               /* indexed by ram_page; use atomics */
u64 mem_pages(const Mem *mem);

/* `written` is called (any thread) after a write to a page that has PAGE_CODE set. */
typedef void MemCodeFn(void *opaque, u64 ram_page);
void mem_code_hook(Mem *mem, MemCodeFn *written, void *opaque);

/* ---- the address map ---- */

/*
 * Access sizes are or-ed bytes: 1 | 2 | 4 | 8.  Offsets are from the region's start.  A
 * device sees naturally aligned accesses of the widths it declared, and nothing else.
 */
typedef struct {
    u64 (*read)(void *opaque, u64 offset, unsigned size);
    void (*write)(void *opaque, u64 offset, u64 value, unsigned size);
    /*
     * Widths the device takes; 0 means all.  Wider accesses are split into the widest
     * declared one, narrower reads are cut out of an aligned wider one, narrower writes
     * are dropped and logged.
     */
    u8 sizes;
} RegionOps;

typedef struct Region Region;
struct Region {
    const char *name;
    u64 base, size;             /* bytes (or ports) */
    int priority;               /* the higher one is seen */
    bool enabled;
    const RegionOps *ops;       /* MMIO and ports; writes to a flash ROM */
    void *opaque;
    /* private to region.c, space.c, dispatch.c, memory.c */
    Space *space;
    Mem *mem;                   /* RAM: whose pages they are */
    u8 *host;                   /* RAM and ROM: the first byte */
    u64 ram_page;               /* RAM: number of its first page */
    bool readonly, owns_host;
    GArray *doorbells;
};

typedef struct {
    u64 base, size;
    u64 offset;                 /* of `base` inside the region */
    Region *region;
    /*
     * RAM and ROM: the host address of `base`; such a range is whole pages.  NULL for
     * MMIO, and for what is left of a page of RAM or ROM that something else covers in
     * part: accelerators treat that as MMIO too (space_read and space_write reach it).
     */
    u8 *host;
    u64 ram_page;               /* RAM: page number of `base`; else UINT64_MAX */
    bool readonly;
} FlatRange;

typedef struct {
    FlatRange *range;           /* sorted, not overlapping */
    unsigned n;
} FlatView;

Space *space_new(const char *name, u64 size);       /* size 0: all of 2^64 */
void space_free(Space *space);

void region_init_io(Region *region, const char *name, const RegionOps *ops,
                    void *opaque, u64 size);
/*
 * `size` bytes that the guest can only read, zeroed, whole pages; freed by region_fini.
 */
bool region_init_rom(Region *region, const char *name, u64 size,
                     GError **err) must_check;
/*
 * `size` bytes of somebody else's memory at `host` (both whole pages), which the guest
 * reads and writes as it does RAM.  It is no RAM: no device reaches it, nothing is
 * decoded from it, it is in no snapshot.  It may go once the region is out of the
 * space.
 */
void region_init_foreign(Region *region, const char *name, void *host, u64 size);
bool region_is_foreign(const Region *region);
/* Shows the RAM at `at` a second time (PAM shadows).  Fails unless it is RAM. */
bool region_init_alias(Region *region, const char *name, Mem *mem, gpa at, u64 size,
                       bool readonly) must_check;
u8 *region_rom_bytes(Region *region);       /* to fill a ROM before the guest runs */
/* A ROM's writes go to `ops` (flash); reads still come from its bytes. */
void region_set_ops(Region *region, const RegionOps *ops, void *opaque);
void region_fini(Region *region);           /* removes it from its space first */

void space_add(Space *space, Region *region, u64 base, int priority);   /* enabled */
void space_remove(Region *region);
void region_move(Region *region, u64 base);
void region_enable(Region *region, bool enabled);

/*
 * Changes between begin and commit become visible at once, at the (outermost) commit.
 */
void space_begin(Space *space);
void space_commit(Space *space);

/*
 * Called after the new view is published and before the old one is freed, with the
 * machine lock held.  A listener must not change the map.  space_listen calls it once,
 * with an empty view as the old one.
 */
typedef void SpaceFn(void *opaque, const FlatView *old, const FlatView *now);
void space_listen(Space *space, SpaceFn *changed, void *opaque);
void space_unlisten(Space *space, SpaceFn *changed, void *opaque);
const FlatView *space_view(const Space *space);
const FlatRange *space_find(const Space *space, u64 at);    /* NULL: nothing there */
void space_print(const Space *space, GString *out);             /* info mtree */

/*
 * CPU accesses, 1 to 8 bytes, under the machine lock.  Nothing there reads as all ones,
 * and the write goes nowhere (logged with -d io).  RAM and ROM work too.  An access may
 * cross ranges.
 */
u64 space_read(Space *space, u64 at, unsigned size);
void space_write(Space *space, u64 at, u64 value, unsigned size);

/*
 * A doorbell: a write of any width at `offset` (and of `value`, when match is set)
 * signals the eventfd instead of calling the region's write.  KVM does it in the kernel
 * (ioeventfd).  Adding and removing one counts as a change of the map: listeners are
 * called, if need be with two equal views.
 */
typedef struct {
    u64 offset, value;
    unsigned size;              /* 0: any width */
    bool match;
    int fd;                     /* borrowed; non-blocking */
} Doorbell;
void region_add_doorbell(Region *region, const Doorbell *bell);
void region_remove_doorbell(Region *region, int fd);

/*
 * The machine lock is what the doorbell's reader wakes up to find taken, so a CPU that
 * wrote to a doorbell once rings it from then on without it: space_write_noted is
 * space_write and notes in `hint` (zeroes at first) a doorbell that it rang;
 * space_ring is the same write once more, without the lock.  It is false, and did
 * nothing, if this is another write, or if any map has changed since.
 */
typedef struct {
    u64 at, changes;
    unsigned size;
    int fd;
} BellHint;
void space_write_noted(Space *space, u64 at, u64 value, unsigned size, BellHint *hint);
bool space_ring(const BellHint *hint, u64 at, unsigned size);

#endif

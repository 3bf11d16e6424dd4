/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page table walks (SDM vol. 3, chapter 4): no paging, 32-bit with 4 MiB pages, PAE, 4
 * and 5 levels.  Protection keys and shadow-stack pages are not offered, so their bits
 * are ignored.
 *
 * Another vCPU may change the tables meanwhile, so accessed and dirty bits are set by
 * compare-and-swap against the entry that was judged; if that fails the walk starts
 * again.
 *
 * On the vCPU's own thread, in the guest; mmu_translate also on another while it
 * stands.
 */

#include "accel/soft/walk.h"
#include "accel/soft/soft.h"

/* Bits of a paging-structure entry (tables 4-4 to 4-20). */
enum {
    ENTRY_P = 1 << 0, ENTRY_W = 1 << 1, ENTRY_U = 1 << 2, ENTRY_A = 1 << 5,
    ENTRY_D = 1 << 6, ENTRY_PS = 1 << 7, ENTRY_G = 1 << 8,
};
#define ENTRY_NX (1ull << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ull

/* Bits high:low. */
#define BITS(high, low) ((2ull << (high)) - (1ull << (low)))

typedef struct {
    u8 levels, index_bits, entry_bytes;
} Paging;

/* One entry on the way, and where it stands. */
typedef struct {
    u64 value;
    u8 *host;                   /* NULL: not in RAM, can't be written */
    u64 ram_page;
} Step;

typedef struct {
    Step step[5];
    unsigned n;                 /* the last one maps the page */
} Path;

static Paging paging(const Cpu *cpu)
{
    if (!(cpu->cr4 & CR4_PAE)) {
        return (Paging){ 2, 10, 4 };
    }
    if (!cpu_long(cpu)) {
        return (Paging){ 2, 9, 8 };     /* below the registers of the third level */
    }
    return (Paging){ cpu->cr4 & CR4_LA57 ? 5 : 4, 9, 8 };
}

/* Tables outside memory read as all ones, as an idle bus does. */
static Step load_entry(const Cpu *cpu, gpa at, unsigned bytes)
{
    const FlatRange *r = space_find(cpu->machine->mmio, at);
    Step step = { .value = bytes == 4 ? UINT32_MAX : UINT64_MAX,
                  .ram_page = UINT64_MAX };
    u8 *host;

    if (!r || !r->host) {
        return step;
    }
    host = r->host + (at - r->base);
    step.value = bytes == 4 ? __atomic_load_n((u32 *)host, __ATOMIC_RELAXED)
                            : __atomic_load_n((u64 *)host, __ATOMIC_RELAXED);
    if (r->ram_page != UINT64_MAX && !r->readonly) {
        step.host = host;
        step.ram_page = r->ram_page + ((at - r->base) >> PAGE_SHIFT);
    }
    return step;
}

static bool maps_page(const Cpu *cpu, unsigned level, u64 value, unsigned entry_bytes)
{
    return level == 1 ||
           ((value & ENTRY_PS) && (entry_bytes == 8 || (cpu->cr4 & CR4_PSE)));
}

/* The bits that must be 0 in a present entry (4.3, 4.4.2, 4.5.4). */
static u64 reserved_bits(const Cpu *cpu, unsigned level, bool maps,
                         unsigned entry_bytes)
{
    unsigned width = cpu->phys_bits;
    u64 bits;

    if (entry_bytes == 4) {         /* PSE-36: bits 20:13 are address bits 39:32 */
        return maps && level == 2 ? BITS(21, MIN(width, 40) - 19) : 0;
    }
    bits = BITS(51, 0) & ~BITS(width - 1, 0);
    bits |= cpu_long(cpu) ? 0 : BITS(62, 52);
    bits |= cpu->efer & EFER_NXE ? 0 : ENTRY_NX;
    if (maps && level > 1) {
        bits |= level == 2 ? BITS(20, 13)
              : level == 3 && cpu->pages_1g ? BITS(29, 13) : (u64)ENTRY_PS;
    }
    return bits;
}

static void map_page(const Cpu *cpu, gva at, unsigned shift, const Paging *p, u64 value,
                     Walk *walk)
{
    u64 in_page = (1ull << shift) - 1;
    u64 base = p->entry_bytes == 8 ? value & ENTRY_ADDRESS : value & 0xfffff000;

    if (p->entry_bytes == 4 && shift > PAGE_SHIFT) {
        base |= (value >> 13 & 0xff) << 32;
    }
    walk->phys = (base & ~in_page) | (at & in_page & PAGE_MASK);
    walk->bytes = in_page + 1;
    walk->global = (value & ENTRY_G) && (cpu->cr4 & CR4_PGE);
    walk->dirty = value & ENTRY_D;
}

/* The table to begin with; false: PAE, and the register for `at` is not present. */
static bool root(const Cpu *cpu, gva at, const Paging *p, gpa *table)
{
    u64 pdpte = cpu->pdpte[at >> 30 & 3];

    if (p->entry_bytes == 4) {
        *table = cpu->cr3 & 0xfffff000;
    } else if (p->levels > 2) {
        *table = cpu->cr3 & ENTRY_ADDRESS;
    } else {
        *table = pdpte & ENTRY_ADDRESS;
        return pdpte & ENTRY_P;
    }
    return true;
}

/* Follows the tables without judging the access.  False: *error has P and RSVD. */
static bool follow(const Cpu *cpu, gva at, Walk *walk, Path *path, u32 *error)
{
    Paging p = paging(cpu);
    gpa table;

    *error = 0;
    path->n = 0;
    *walk = (Walk){ .user = true, .write = true, .exec = true };
    if (!root(cpu, at, &p, &table)) {
        return false;
    }
    for (unsigned level = p.levels;; level--) {
        unsigned shift = PAGE_SHIFT + (level - 1) * p.index_bits;
        u64 index = at >> shift & ((1u << p.index_bits) - 1);
        Step *step = &path->step[path->n++];
        bool maps;

        *step = load_entry(cpu, table + index * p.entry_bytes, p.entry_bytes);
        if (!(step->value & ENTRY_P)) {
            return false;
        }
        maps = maps_page(cpu, level, step->value, p.entry_bytes);
        if (step->value & reserved_bits(cpu, level, maps, p.entry_bytes)) {
            *error = PF_PRESENT | PF_RESERVED;
            return false;
        }
        walk->write &= !!(step->value & ENTRY_W);
        walk->user &= !!(step->value & ENTRY_U);
        walk->exec &= !(step->value & ENTRY_NX);
        if (maps) {
            map_page(cpu, at, shift, &p, step->value, walk);
            return true;
        }
        table = step->value & (p.entry_bytes == 8 ? ENTRY_ADDRESS : 0xfffff000);
    }
}

/* 4.6: access rights. */
unsigned walk_rights(const Cpu *cpu, const Walk *walk, MmuMode mode)
{
    bool user = mode == MMU_USER;
    bool data = user ? walk->user : !(walk->user && mode == MMU_KERNEL_SMAP);
    bool write = walk->write || (!user && !(cpu->cr0 & CR0_WP));
    bool exec = user ? walk->user : !(walk->user && (cpu->cr4 & CR4_SMEP));

    return (unsigned)data << ACCESS_READ | (unsigned)(data && write) << ACCESS_WRITE |
           (unsigned)(exec && walk->exec) << ACCESS_EXEC;
}

static bool swap_entry(const Step *step, unsigned bytes, u64 value)
{
    u64 old = step->value;
    u32 old32 = step->value;

    if (bytes == 4) {
        return __atomic_compare_exchange_n((u32 *)step->host, &old32, (u32)value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    return __atomic_compare_exchange_n((u64 *)step->host, &old, value, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* 4.8: accessed and dirty flags.  False: an entry is not any more what was judged. */
static bool mark_used(Cpu *cpu, const Path *path, bool write)
{
    unsigned bytes = paging(cpu).entry_bytes;

    for (unsigned i = 0; i < path->n; i++) {
        const Step *step = &path->step[i];
        u64 marked = step->value | ENTRY_A | (write && i == path->n - 1 ? ENTRY_D : 0);

        if (marked == step->value || !step->host) {
            continue;
        }
        if (!swap_entry(step, bytes, marked)) {
            return false;
        }
        mmu_range_written(cpu, step->ram_page, (uintptr_t)step->host & ~PAGE_MASK,
                          bytes);
    }
    return true;
}

/* 4.7: the bits that say what was tried. */
static u32 error_of(const Cpu *cpu, Access access, MmuMode mode)
{
    bool fetch_shown = (cpu->cr4 & CR4_SMEP) ||
                       ((cpu->cr4 & CR4_PAE) && (cpu->efer & EFER_NXE));

    return (access == ACCESS_WRITE ? PF_WRITE : 0) | (mode == MMU_USER ? PF_USER : 0) |
           (access == ACCESS_EXEC && fetch_shown ? PF_FETCH : 0);
}

static void identity(gva at, Walk *walk)
{
    *walk = (Walk){ .phys = at & PAGE_MASK, .bytes = PAGE_BYTES, .user = true,
                    .write = true, .exec = true, .dirty = true };
}

bool mmu_walk(Cpu *cpu, gva at, Access access, MmuMode mode, Walk *walk, u32 *error)
{
    Path path;

    if (!(cpu->cr0 & CR0_PG)) {
        identity(at, walk);
        return true;
    }
    do {
        if (!follow(cpu, at, walk, &path, error)) {
            *error |= error_of(cpu, access, mode);
            return false;
        }
        if (!(walk_rights(cpu, walk, mode) >> access & 1)) {
            *error = PF_PRESENT | error_of(cpu, access, mode);
            return false;
        }
    } while (!mark_used(cpu, &path, access == ACCESS_WRITE));
    walk->dirty |= access == ACCESS_WRITE;
    return true;
}

bool mmu_translate(Cpu *cpu, gva at, gpa *out)
{
    Walk walk;
    Path path;
    u32 error;

    if (!(cpu->cr0 & CR0_PG)) {
        identity(at, &walk);
    } else if (!follow(cpu, at, &walk, &path, &error)) {
        return false;
    }
    *out = walk.phys | (at & ~PAGE_MASK);
    return true;
}

/* 4.4.1: PDPTE registers; table 4-8 has the reserved bits. */
bool walk_load_pdptes(const Cpu *cpu, u64 cr3, u64 pdpte[4])
{
    u64 reserved = BITS(2, 1) | BITS(8, 5) | (~0ull & ~BITS(cpu->phys_bits - 1, 0));

    for (unsigned i = 0; i < 4; i++) {
        pdpte[i] = load_entry(cpu, (cr3 & 0xffffffe0) + i * 8, 8).value;
        if ((pdpte[i] & ENTRY_P) && (pdpte[i] & reserved)) {
            return false;
        }
    }
    return true;
}

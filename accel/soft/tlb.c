/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLB: one table per MMU mode, direct-mapped by linear address (cpu.h has the
 * entry).
 *
 * An entry's tags say which accesses are allowed; an allowed one goes straight to
 * memory unless its tag is TLB_SLOW: devices always, writes to ROM, and writes to pages
 * with decoded code.  A write tag is given only once the page table's dirty bit is set
 * and the RAM page is marked dirty, so whoever clears dirty marks must flush.
 *
 * PCIDs are not told apart: a write to CR3 flushes what is not global, which is always
 * right.  INVLPG of an address that a large page maps must drop all its pieces: there
 * is only a note of where large pages were seen, and an INVLPG inside flushes
 * everything.
 *
 * On the vCPU's own thread, in the guest; flushes also by whoever is in an exclusive
 * section.
 */

#include "accel/soft/tlb.h"
#include "accel/soft/lapic.h"
#include "accel/soft/walk.h"
#include <inttypes.h>

TlbEntry *tlb_empty(void)
{
    static gsize made;
    static TlbEntry *empty;

    if (g_once_init_enter(&made)) {
        empty = g_new(TlbEntry, TLB_SIZE);
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            empty[i] = tlb_none();
        }
        g_once_init_leave(&made, 1);
    }
    return empty;
}

/* Entries are also numbered through all modes, as tlb_log does. */
static TlbEntry *nth_entry(Cpu *cpu, unsigned n)
{
    return &cpu->tlbs[n / TLB_SIZE][n % TLB_SIZE];
}

static TlbInfo *nth_info(Cpu *cpu, unsigned n)
{
    return &cpu->tlb_info[n / TLB_SIZE][n % TLB_SIZE];
}

/* The page that a tag lets through, quickly or not. */
static gva tag_page(u64 tag)
{
    return tag & TLB_SLOW ? (tag & PAGE_MASK) ^ TLB_OUTSIDE : tag & PAGE_MASK;
}

/* ---- filling ---- */

/* Remembers that the entry is in use, for the next flush. */
static void note_used(Cpu *cpu, const TlbInfo *info, MmuMode mode)
{
    if (!(info->phys & TLB_LOGGED)) {
        unsigned n = info - cpu->tlb_info[mode];

        cpu->tlb_log[cpu->tlb_logged++] = mode * TLB_SIZE + n;
    }
}

static void note_large(Cpu *cpu, gva at, u64 bytes)
{
    gva first = at & ~(bytes - 1), last = first + bytes - 1;

    if (bytes > PAGE_BYTES) {
        cpu->tlb_large[at >> 63].first = MIN(cpu->tlb_large[at >> 63].first, first);
        cpu->tlb_large[at >> 63].last = MAX(cpu->tlb_large[at >> 63].last, last);
    }
}

static bool is_apic_page(const Cpu *cpu, gpa phys)
{
    u64 base = cpu->apic_base;

    return (base & LAPIC_BASE_ENABLE) && !(base & LAPIC_BASE_X2) &&
           phys == (base & PAGE_MASK) && cpu->lapic;
}

/* What lies at a physical page: its host address, or NULL and the reason in info. */
static u8 *find_page(Cpu *cpu, gpa phys, TlbInfo *info)
{
    const FlatRange *r = space_find(cpu->machine->mmio, phys);

    if (is_apic_page(cpu, phys)) {
        info->phys |= TLB_APIC;
        return NULL;
    }
    if (!r || !r->host) {
        info->phys |= TLB_DEVICE;
        return NULL;
    }
    if (r->readonly) {
        info->phys |= TLB_ROM;
    } else {
        info->ram_page = r->ram_page + ((phys - r->base) >> PAGE_SHIFT);
    }
    return r->host + (phys - r->base);
}

/*
 * The write tag of a RAM page.  For a write the page is marked dirty first; for another
 * access it is given only if the page is dirty anyhow.
 */
static u64 ram_write_tag(Cpu *cpu, gva page, u64 ram_page, bool writing)
{
    u8 *flags = mem_page_flags(cpu->machine->mem) + ram_page;
    u8 now = writing ? __atomic_fetch_or(flags, PAGE_DIRTY_ALL, __ATOMIC_SEQ_CST)
                     : __atomic_load_n(flags, __ATOMIC_SEQ_CST);

    if (!writing && (now & PAGE_DIRTY_ALL) != PAGE_DIRTY_ALL) {
        return TLB_NONE;
    }
    return now & PAGE_CODE ? tlb_slow(page) : page;
}

static TlbEntry *fill(Cpu *cpu, gva at, Access access, MmuMode mode)
{
    gva page = at & PAGE_MASK;
    TlbEntry *e = &cpu->tlbs[mode][at >> PAGE_SHIFT & (TLB_SIZE - 1)];
    TlbInfo *info = tlb_info_of(cpu, e, mode);
    unsigned rights;
    u64 fast;
    Walk walk;
    u32 error;
    u8 *host;

    if (!mmu_walk(cpu, at, access, mode, &walk, &error)) {
        cpu_page_fault(cpu, at, error);
    }
    note_used(cpu, info, mode);
    note_large(cpu, at, walk.bytes);
    *info = (TlbInfo){ .phys = walk.phys | TLB_LOGGED | (walk.global ? TLB_GLOBAL : 0),
                       .ram_page = UINT64_MAX };
    host = find_page(cpu, walk.phys, info);
    rights = walk_rights(cpu, &walk, mode);
    fast = host ? page : tlb_slow(page);
    *e = tlb_none();
    e->addend = (u64)(uintptr_t)host - page;
    if (rights & 1 << ACCESS_READ) {
        e->read = fast;
    }
    if (rights & 1 << ACCESS_EXEC) {
        e->exec = fast;
    }
    if ((rights & 1 << ACCESS_WRITE) && walk.dirty) {
        e->write = info->ram_page == UINT64_MAX ? tlb_slow(page)
                 : ram_write_tag(cpu, page, info->ram_page, access == ACCESS_WRITE);
    }
    return e;
}

static u64 tag_of(const TlbEntry *e, Access access)
{
    return access == ACCESS_READ ? e->read
         : access == ACCESS_WRITE ? e->write : e->exec;
}

TlbEntry *tlb_get(Cpu *cpu, gva at, Access access, MmuMode mode)
{
    TlbEntry *e = &cpu->tlbs[mode][at >> PAGE_SHIFT & (TLB_SIZE - 1)];

    if (tag_of(e, access) == (at & PAGE_MASK) ||
        tag_of(e, access) == tlb_slow(at & PAGE_MASK)) {
        return e;
    }
    return fill(cpu, at, access, mode);
}

bool mmu_is_global_code(Cpu *cpu, gva at)
{
    MmuMode mode = mmu_mode(cpu, cpu->cpl, false);
    const TlbEntry *e = &cpu->tlbs[mode][at >> PAGE_SHIFT & (TLB_SIZE - 1)];

    return e->exec == (at & PAGE_MASK) && tlb_info_of(cpu, e, mode)->phys & TLB_GLOBAL;
}

/* ---- pages with decoded code ---- */

void mmu_range_written(Cpu *cpu, u64 ram_page, unsigned offset, unsigned n)
{
    u8 *flags = mem_page_flags(cpu->machine->mem) + ram_page;

    if (__atomic_fetch_or(flags, PAGE_DIRTY_ALL, __ATOMIC_SEQ_CST) & PAGE_CODE) {
        blocks_range_written(cpu->soft->blocks, ram_page, offset, n);
    }
}

void tlb_code_gone(Cpu *cpu, TlbEntry *e, u64 ram_page)
{
    u8 *flags = mem_page_flags(cpu->machine->mem) + ram_page;

    if (!(__atomic_load_n(flags, __ATOMIC_SEQ_CST) & PAGE_CODE)) {
        e->write = tag_page(e->write);
    }
}

void mmu_protect_code(Cpu *cpu, u64 ram_page)
{
    for (unsigned i = 0; i < cpu->tlb_logged; i++) {
        unsigned n = cpu->tlb_log[i];
        TlbEntry *e = nth_entry(cpu, n);

        if (nth_info(cpu, n)->ram_page == ram_page && !(e->write & ~PAGE_MASK)) {
            e->write = tlb_slow(e->write);
        }
    }
}

/* ---- flushing ---- */

static void clear_entry(Cpu *cpu, unsigned n)
{
    *nth_entry(cpu, n) = tlb_none();
    *nth_info(cpu, n) = (TlbInfo){ .ram_page = UINT64_MAX };
}

/*
 * Entries of the jump cache rest on what the TLB says: those of user code, or all, are
 * not seen any more.
 */
static void jump_forget(Cpu *cpu, bool kernel)
{
    cpu->jump_age[0]++;
    if (kernel) {
        cpu->jump_age[1]++;
        cpu->jump_local = false;
    }
    cpu_jump_tag(cpu);
}

/* The first flush of all makes the entries of a new CPU: zero is not an empty one. */
void mmu_flush(Cpu *cpu)
{
    if (!cpu->tlb_made) {
        for (unsigned i = 0; i < MMU_MODES * TLB_SIZE; i++) {
            clear_entry(cpu, i);
        }
        for (unsigned mode = 0; mode < MMU_MODES; mode++) {
            cpu->tlb_table[mode] = cpu->tlbs[mode];
        }
        for (unsigned i = 0; i < TLB_HINTS; i++) {
            cpu->tlb_hint[i] = cpu->tlbs[i % MMU_MODES];
        }
        cpu->tlb_made = true;
    }
    for (unsigned i = 0; i < cpu->tlb_logged; i++) {
        clear_entry(cpu, cpu->tlb_log[i]);
    }
    cpu->tlb_logged = 0;
    for (unsigned half = 0; half < 2; half++) {
        cpu->tlb_large[half].first = UINT64_MAX;
        cpu->tlb_large[half].last = 0;
    }
    jump_forget(cpu, true);
}

void mmu_flush_non_global(Cpu *cpu)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < cpu->tlb_logged; i++) {
        unsigned n = cpu->tlb_log[i];

        if (nth_info(cpu, n)->phys & TLB_GLOBAL) {
            cpu->tlb_log[kept++] = n;
        } else {
            clear_entry(cpu, n);
        }
    }
    cpu->tlb_logged = kept;
    jump_forget(cpu, cpu->jump_local);
}

void mmu_flush_page(Cpu *cpu, gva at)
{
    unsigned n = at >> PAGE_SHIFT & (TLB_SIZE - 1);

    if (at >= cpu->tlb_large[at >> 63].first && at <= cpu->tlb_large[at >> 63].last) {
        mmu_flush(cpu);
        return;
    }
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        cpu->tlbs[mode][n] = tlb_none();       /* stays logged */
    }
    jump_forget(cpu, cpu->jump_local || at >> 63);
}

/* ---- info tlb ---- */

static u64 entry_page(const TlbEntry *e)
{
    const u64 tags[] = { e->read, e->write, e->exec };

    for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++) {
        if (tags[i] != TLB_NONE) {
            return tag_page(tags[i]);
        }
    }
    return TLB_NONE;
}

void mmu_print_tlb(Cpu *cpu, GString *out)
{
    static const char *const modes[MMU_MODES] = { "user", "kernel", "kernel-smap" };

    for (unsigned i = 0; i < cpu->tlb_logged; i++) {
        unsigned n = cpu->tlb_log[i];
        const TlbEntry *e = nth_entry(cpu, n);
        u64 phys = nth_info(cpu, n)->phys;

        if (entry_page(e) == TLB_NONE) {
            continue;
        }
        g_string_append_printf(out, "%016" PRIx64 ": %016" PRIx64 " %c%c%c%c %s%s\n",
                               entry_page(e), phys & (u64)PAGE_MASK,
                               phys & TLB_GLOBAL ? 'G' : '-',
                               e->read == TLB_NONE ? '-' : 'R',
                               e->write == TLB_NONE ? '-' : 'W',
                               e->exec == TLB_NONE ? '-' : 'X', modes[n / TLB_SIZE],
                               phys & (TLB_DEVICE | TLB_APIC) ? " device"
                               : phys & TLB_ROM ? " rom" : "");
    }
}

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
 * tlb_flush.c has the way out.
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

/* ---- filling ---- */

void tlb_set_info(Cpu *cpu, unsigned n, TlbInfo info)
{
    bool global = info.phys & TLB_GLOBAL;
    u64 mine = global ? TLB_LOGGED_GLOBAL : TLB_LOGGED;
    u64 logged = tlb_nth_info(cpu, n)->phys & (TLB_LOGGED | TLB_LOGGED_GLOBAL);

    if (!(logged & mine)) {
        cpu->tlb_log[global].entry[cpu->tlb_log[global].n++] = n;
    }
    info.phys &= ~(u64)(TLB_LOGGED | TLB_LOGGED_GLOBAL);
    info.phys |= logged | mine;
    *tlb_nth_info(cpu, n) = info;
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
    if (region_is_foreign(r->region)) {
        info->phys |= TLB_FOREIGN;
    } else if (r->readonly) {
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

/*
 * Where many pages drive each other out the tables grow, with the flush that is asked
 * for here: the caller has entries in its hands.
 */
static void note_conflict(Cpu *cpu, const TlbEntry *old, gva page)
{
    unsigned size = tlb_size(cpu);
    bool was_filled = old->read | old->write | old->exec;

    if (size == TLB_SIZE || !was_filled || tlb_page(old) == TLB_NONE ||
        tlb_page(old) == page) {
        return;
    }
    if (++cpu->tlb_conflicts == size * CONFLICTS) {
        cpu->tlb_grows = true;
        cpu_request(cpu, REQUEST_FLUSH);
    }
}

static TlbEntry *fill(Cpu *cpu, gva at, Access access, MmuMode mode)
{
    gva page = at & PAGE_MASK;
    TlbEntry *e = tlb_entry(cpu, at, mode);
    TlbInfo *info = tlb_info_of(cpu, e, mode);
    const TlbEntry old = *e;
    unsigned rights;
    u64 fast;
    Walk walk;
    u32 error;
    u8 *host;

    if (!mmu_walk(cpu, at, access, mode, &walk, &error)) {
        cpu_page_fault(cpu, at, error);
    }
    mmu_note_large(cpu, at, walk.bytes, walk.global);
    tlb_set_info(cpu, tlb_number(cpu, at, mode),
                 (TlbInfo){ .phys = walk.phys | (walk.global ? TLB_GLOBAL : 0),
                            .ram_page = UINT64_MAX });
    host = find_page(cpu, walk.phys, info);
    rights = walk_rights(cpu, &walk, mode);
    fast = host ? page : tlb_slow(page);
    *e = tlb_none();
    e->addend = (u64)(uintptr_t)host - page;
    if (rights & 1 << ACCESS_READ) {
        e->read = fast;
    }
    if (rights & 1 << ACCESS_EXEC) {
        e->exec = info->phys & TLB_FOREIGN ? tlb_slow(page) : fast;
    }
    if ((rights & 1 << ACCESS_WRITE) && walk.dirty) {
        e->write = info->phys & TLB_FOREIGN ? page
                 : info->ram_page == UINT64_MAX ? tlb_slow(page)
                 : ram_write_tag(cpu, page, info->ram_page, access == ACCESS_WRITE);
    }
    tlb_entry_changed(cpu, tlb_number(cpu, at, mode), &old);
    note_conflict(cpu, &old, page);
    return e;
}

static u64 tag_of(const TlbEntry *e, Access access)
{
    return access == ACCESS_READ ? e->read
         : access == ACCESS_WRITE ? e->write : e->exec;
}

TlbEntry *tlb_get(Cpu *cpu, gva at, Access access, MmuMode mode)
{
    TlbEntry *e = tlb_entry(cpu, at, mode);

    if (tag_of(e, access) == (at & PAGE_MASK) ||
        tag_of(e, access) == tlb_slow(at & PAGE_MASK)) {
        return e;
    }
    return fill(cpu, at, access, mode);
}

int mmu_is_global_code(Cpu *cpu, gva at)
{
    MmuMode mode = mmu_mode(cpu, cpu->cpl, false);
    const TlbEntry *e = tlb_entry(cpu, at, mode);

    return e->exec == (at & PAGE_MASK) ?
               !!(tlb_info_of(cpu, e, mode)->phys & TLB_GLOBAL) : -1;
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
        e->write = tlb_tag_page(e->write);
    }
}

void mmu_protect_code(Cpu *cpu, u64 ram_page)
{
    for (unsigned global = 0; global < 2; global++) {
        const TlbLog *log = &cpu->tlb_log[global];

        for (unsigned i = 0; i < log->n; i++) {
            TlbEntry *e = tlb_nth(cpu, log->entry[i]);

            if (tlb_nth_info(cpu, log->entry[i])->ram_page == ram_page &&
                !(e->write & ~PAGE_MASK)) {
                e->write = tlb_slow(e->write);
                tlb_forget_hints(cpu, log->entry[i]);
            }
        }
    }
}

/* ---- info tlb ---- */

static void print_entry(GString *out, unsigned n, const TlbEntry *e,
                        const TlbInfo *info, int pcid)
{
    static const char *const modes[MMU_MODES] = { "user", "kernel", "kernel-smap" };
    u64 phys = info->phys;

    if (tlb_page(e) == TLB_NONE) {
        return;
    }
    g_string_append_printf(out, "%016" PRIx64 ": %016" PRIx64 " %c%c%c%c %s%s",
                           tlb_page(e), phys & (u64)PAGE_MASK,
                           phys & TLB_GLOBAL ? 'G' : '-',
                           e->read == TLB_NONE ? '-' : 'R',
                           e->write == TLB_NONE ? '-' : 'W',
                           e->exec == TLB_NONE ? '-' : 'X', modes[n / TLB_SIZE],
                           phys & (TLB_DEVICE | TLB_APIC) ? " device"
                           : phys & TLB_ROM ? " rom"
                           : phys & TLB_FOREIGN ? " foreign" : "");
    if (pcid >= 0) {
        g_string_append_printf(out, " pcid %d", pcid);
    }
    g_string_append_c(out, '\n');
}

void mmu_print_tlb(Cpu *cpu, GString *out)
{
    for (unsigned n = 0; n < MMU_MODES * TLB_SIZE; n++) {
        const TlbInfo *info = tlb_nth_info(cpu, n);

        if (info->phys & (TLB_LOGGED | TLB_LOGGED_GLOBAL)) {
            print_entry(out, n, tlb_nth(cpu, n), info, -1);
        }
    }
    for (unsigned i = 0; i < SHELVES; i++) {
        const TlbShelf *s = &cpu->shelf[i];

        for (unsigned k = 0; s->used && k < s->n; k++) {
            const ShelvedEntry *e = &cpu->shelved[i][k];

            print_entry(out, e->n, &e->entry, &e->info, s->pcid);
        }
    }
}

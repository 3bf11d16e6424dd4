/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leaves the TLB, and what comes back (SDM vol. 3, 4.10).
 *
 * The tables hold global translations and those of the present PCID.  When CR3 gets
 * another PCID, what is not global is put on a shelf, and taken from there when CR3
 * gets the first one again with bit 63 set.  So the tables are looked at by address
 * alone, as if there were no PCIDs, each entry comes back to its own place, and user
 * code's part of the jump cache stays.  A shelf has the entries that were made last,
 * and there are as many shelves as Linux uses PCIDs on a CPU, and two more: what does
 * not fit is lost.
 *
 * INVLPG of an address that a large page maps must drop all its pieces: there is only a
 * note of where large pages were seen, and an INVLPG there drops all around it, as far
 * as the largest of them would reach.
 *
 * On the vCPU's own thread, in the guest; mmu_flush also by whoever is in an exclusive
 * section.
 */

#include "accel/soft/run.h"
#include "accel/soft/tlb.h"
#include <sys/mman.h>

/* ---- the jump cache ---- */

/* What was found so far is not found any more. */
static void jump_renew(Cpu *cpu, JumpSpace *space)
{
    space->age = ++cpu->jump_ages;
    memset(space->pages, 0, sizeof space->pages);
    space->global = false;
}

static void jump_forget(Cpu *cpu, bool kernel)
{
    jump_renew(cpu, &cpu->jump_space[0]);
    if (kernel) {
        jump_renew(cpu, &cpu->jump_space[1]);
        cpu->jump_local = false;
    }
    cpu_jump_tag(cpu);
}

static bool jump_rests_on(const JumpSpace *space, gva first, u64 bytes)
{
    u64 pages = MIN(bytes >> PAGE_SHIFT, JUMP_PAGES);

    for (u64 i = 0; i < pages; i++) {
        if (jump_has_page(space, first + (i << PAGE_SHIFT))) {
            return true;
        }
    }
    return false;
}

/*
 * These pages may be mapped anew; another PCID's only if they are global.  Kernel code
 * is in the lower half where that is said (jump_local), and is not asked about user
 * pages otherwise: their numbers' lower bits may be those of its own.
 */
static void jump_range_gone(Cpu *cpu, gva first, u64 bytes)
{
    unsigned spaces = first >> 63 || cpu->jump_local ? 2 : 1;

    for (unsigned kernel = 0; kernel < spaces; kernel++) {
        if (jump_rests_on(&cpu->jump_space[kernel], first, bytes)) {
            jump_renew(cpu, &cpu->jump_space[kernel]);
        }
    }
    for (unsigned i = 0; cpu->shelved_global && i < SHELVES; i++) {
        if (cpu->shelf[i].used && jump_rests_on(&cpu->shelf[i].user, first, bytes)) {
            jump_renew(cpu, &cpu->shelf[i].user);
        }
    }
    cpu_jump_tag(cpu);
}

/* ---- large pages ---- */

static unsigned large_place(gva at)
{
    return (at >> 30 ^ at >> 39) % LARGE_PLACES;
}

void mmu_note_large(Cpu *cpu, gva at, u64 bytes, bool global)
{
    LargePages *large = &cpu->tlb_large[global];
    unsigned place = large_place(at);

    if (bytes > PAGE_BYTES) {
        large->bytes = MAX(large->bytes, bytes);
        large->places[place / 64] |= 1ull << place % 64;
    }
}

/* The size of the largest page that may map `at`; 0: no large one does. */
static u64 large_at(const Cpu *cpu, gva at)
{
    unsigned place = large_place(at);
    u64 bytes = 0;

    for (unsigned global = 0; global < 2; global++) {
        const LargePages *large = &cpu->tlb_large[global];

        if (large->places[place / 64] >> place % 64 & 1) {
            bytes = MAX(bytes, large->bytes);
        }
    }
    return bytes;
}

/* ---- entries ---- */

/* It stays logged. */
static void drop_entry(Cpu *cpu, unsigned n)
{
    *tlb_nth(cpu, n) = tlb_none();
    tlb_forget_hints(cpu, n);
}

/* It stays in the log of global ones if it is there. */
static void clear_entry(Cpu *cpu, unsigned n)
{
    TlbInfo *info = tlb_nth_info(cpu, n);

    drop_entry(cpu, n);
    *info = (TlbInfo){ .phys = info->phys & TLB_LOGGED_GLOBAL, .ram_page = UINT64_MAX };
}

/* Zero is no empty entry where a page's tag may be 0: page 0's own, and the last
   page's, because what begins there may end in page 0. */
static void set_size(Cpu *cpu, unsigned entries)
{
    for (MmuMode mode = 0; mode < MMU_MODES; mode++) {
        clear_entry(cpu, mode * TLB_SIZE);
        clear_entry(cpu, mode * TLB_SIZE + entries - 1);
    }
    cpu->tlb_mask = (entries - 1) * sizeof(TlbEntry);
    cpu->tlb_conflicts = 0;
    cpu->tlb_grows = false;
}

/* Of a new CPU, and of one that begins anew. */
static void make_tables(Cpu *cpu)
{
    for (MmuMode mode = 0; mode < MMU_MODES; mode++) {
        tlb_make_hint(cpu, mode, 0);
        cpu->tlb_table[mode] = cpu->tlbs[mode];
    }
    set_size(cpu, TLB_FIRST_SIZE);
    cpu->jump_mask = (JUMP_FIRST_SIZE - 1) * sizeof(JumpEntry);
    cpu->jump_conflicts = 0;
}

/* All around `at` that a page of so many bytes would map; they stay logged. */
static void flush_large(Cpu *cpu, gva at, u64 bytes)
{
    u64 first = (at & ~(bytes - 1)) >> PAGE_SHIFT;
    unsigned size = tlb_size(cpu);
    u64 pages = MIN(bytes >> PAGE_SHIFT, size);

    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        for (u64 i = 0; i < pages; i++) {
            drop_entry(cpu, mode * TLB_SIZE + (first + i) % size);
        }
    }
    jump_range_gone(cpu, at & ~(bytes - 1), bytes);
}

void mmu_flush_page(Cpu *cpu, gva at)
{
    unsigned n = tlb_place(cpu, at) / sizeof(TlbEntry);
    u64 bytes = large_at(cpu, at);

    if (bytes) {
        flush_large(cpu, at, bytes);
        return;
    }
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        drop_entry(cpu, mode * TLB_SIZE + n);
    }
    jump_range_gone(cpu, at & PAGE_MASK, PAGE_BYTES);
}

/* ---- shelves ---- */

static TlbShelf *shelf_of(Cpu *cpu, unsigned pcid)
{
    for (unsigned i = 0; i < SHELVES; i++) {
        if (cpu->shelf[i].used && cpu->shelf[i].pcid == pcid) {
            return &cpu->shelf[i];
        }
    }
    return NULL;
}

static void drop_shelves(Cpu *cpu)
{
    for (unsigned i = 0; i < SHELVES; i++) {
        if (cpu->shelf[i].used) {
            cpu->shelf[i].used = false;
        }
    }
    cpu->shelved_global = false;
}

static u64 stamp(const TlbShelf *s)
{
    return s->used ? s->since : 0;
}

/* An empty one, or the one that was left longest ago; not `taken`. */
static TlbShelf *choose_shelf(Cpu *cpu, const TlbShelf *taken)
{
    TlbShelf *best = NULL;

    for (unsigned i = 0; i < SHELVES; i++) {
        TlbShelf *s = &cpu->shelf[i];

        if (s != taken && (!best || stamp(s) < stamp(best))) {
            best = s;
        }
    }
    return best;
}

static ShelvedEntry *shelved_of(Cpu *cpu, const TlbShelf *s)
{
    return cpu->shelved[s - cpu->shelf];
}

/*
 * Takes what is not global out of the tables, to a shelf if one is given.  Where there
 * are too many the later ones take the place of the first.
 */
static void take_out(Cpu *cpu, TlbShelf *s)
{
    TlbLog *log = &cpu->tlb_log[0];
    unsigned shelved = 0;

    for (unsigned i = 0; i < log->n; i++) {
        unsigned n = log->entry[i];
        const TlbEntry *e = tlb_nth(cpu, n);
        TlbInfo *info = tlb_nth_info(cpu, n);

        info->phys &= ~(u64)TLB_LOGGED;
        if (info->phys & TLB_GLOBAL) {
            continue;
        }
        if (s && tlb_page(e) != TLB_NONE) {
            shelved_of(cpu, s)[shelved++ % SHELF_ENTRIES] =
                (ShelvedEntry){ n, *e, *info };
        }
        clear_entry(cpu, n);
    }
    log->n = 0;
    if (s) {
        s->n = MIN(shelved, SHELF_ENTRIES);
    }
}

static void shelve(Cpu *cpu, TlbShelf *s, unsigned pcid)
{
    s->used = true;
    s->pcid = pcid;
    s->since = ++cpu->switches;
    s->user = cpu->jump_space[0];
    cpu->shelved_global |= s->user.global;
    s->large = cpu->tlb_large[0];
    take_out(cpu, s);
}

/* Pages may have got decoded code since then. */
static void put_back(Cpu *cpu, TlbShelf *s)
{
    const u8 *flags = mem_page_flags(cpu->machine->mem);

    for (unsigned i = 0; i < s->n; i++) {
        ShelvedEntry *from = &shelved_of(cpu, s)[i];
        u64 ram_page = from->info.ram_page;
        TlbEntry *e = &from->entry;

        if (!(e->write & ~PAGE_MASK) &&
            __atomic_load_n(&flags[ram_page], __ATOMIC_SEQ_CST) & PAGE_CODE) {
            e->write = tlb_slow(e->write);
        }
        tlb_forget_hints(cpu, from->n);
        *tlb_nth(cpu, from->n) = *e;
        tlb_set_info(cpu, from->n, from->info);
    }
    cpu->jump_space[0] = s->user;
    cpu->tlb_large[0] = s->large;
}

void mmu_switch(Cpu *cpu, unsigned from, unsigned to, bool keep)
{
    TlbShelf *kept = shelf_of(cpu, to);

    if (from == to) {
        if (!keep) {
            mmu_flush_non_global(cpu);
        }
        return;
    }
    shelve(cpu, choose_shelf(cpu, kept), from);
    jump_forget(cpu, cpu->jump_local);
    cpu->tlb_large[0] = (LargePages){ 0 };
    if (kept && keep) {
        put_back(cpu, kept);
        cpu_jump_tag(cpu);
    }
    if (kept) {
        kept->used = false;
    }
}

/* ---- flushes ---- */

void mmu_flush(Cpu *cpu)
{
    if (!cpu->tlb_mask) {
        make_tables(cpu);
    }
    for (unsigned global = 0; global < 2; global++) {
        TlbLog *log = &cpu->tlb_log[global];

        for (unsigned i = 0; i < log->n; i++) {
            tlb_nth_info(cpu, log->entry[i])->phys = 0;
            clear_entry(cpu, log->entry[i]);
        }
        log->n = 0;
    }
    drop_shelves(cpu);
    memset(cpu->tlb_large, 0, sizeof cpu->tlb_large);
    jump_forget(cpu, true);
    if (cpu->tlb_grows) {
        set_size(cpu, tlb_size(cpu) * TLB_GROWTH);
    }
}

/* What is given back reads as zero, which is an empty table. */
void mmu_give_back(Cpu *cpu)
{
    mmu_flush(cpu);
    madvise(cpu->tlbs, sizeof cpu->tlbs, MADV_DONTNEED);
    madvise(cpu->tlb_info, sizeof cpu->tlb_info, MADV_DONTNEED);
    madvise(cpu->tlb_hint, sizeof cpu->tlb_hint, MADV_DONTNEED);
    madvise(cpu->tlb_hints_of, sizeof cpu->tlb_hints_of, MADV_DONTNEED);
    madvise(cpu->jump, sizeof cpu->jump, MADV_DONTNEED);
    madvise(cpu->shelved, sizeof cpu->shelved, MADV_DONTNEED);
    make_tables(cpu);
}

void mmu_flush_non_global(Cpu *cpu)
{
    take_out(cpu, NULL);
    cpu->tlb_large[0] = (LargePages){ 0 };
    jump_forget(cpu, cpu->jump_local);
}

void mmu_flush_pcid(Cpu *cpu, unsigned pcid)
{
    TlbShelf *s = shelf_of(cpu, pcid);

    if (s) {
        s->used = false;
    } else if (pcid == cpu_pcid(cpu)) {
        mmu_flush_non_global(cpu);
    }
}

void mmu_flush_pcids(Cpu *cpu)
{
    drop_shelves(cpu);
    mmu_flush_non_global(cpu);
}

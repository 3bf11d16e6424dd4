/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCIDs and what invalidates translations (SDM vol. 3, 4.10): address spaces that map
 * the same addresses to pages which say what they are, read through the TLB and
 * fetched through the jump cache.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include "accel/soft/tlb.h"
#include "tests/lib/soft_bed.h"

enum { P = 1, W = 2, U = 4, PS = 0x80, G = 0x100 };
#define NO_FLUSH (1ull << 63)

/*
 * Space n has PCID n and its tables at TABLES + n * 16 KiB: 2 MiB of its own, 2 MiB
 * that are global and all have in common, and large pages.  The global pages have the
 * entries of the TLB that the third and later ones of their own have.
 */
enum {
    SPACES = SHELVES + 4, TABLES = 0x100000, COMMON = 0x1f0000,
    OWN = 0x400000, GLOBAL = OWN + (TLB_SIZE + 2) * 0x1000,
    LARGE = 0x800000, LARGE_BYTES = 0x200000,
    LARGE_PAGES = SHELF_ENTRIES / 512 + 1,
};
/* Pages of RAM: each holds its number, and at CODE_AT an instruction. */
enum { RAM = 0x200000, PAGES = 16, CODE_AT = 0x800, OPERAND = 0x1000 };

typedef struct {
    SoftBed *bed;
    Cpu *cpu;
} Fixture;

static gpa root(unsigned space)
{
    return TABLES + space * 4 * PAGE_BYTES;
}

static u64 ram_page(unsigned n)
{
    return RAM + n * PAGE_BYTES;
}

static void map(Fixture *f, unsigned space, unsigned page, unsigned n)
{
    soft_bed_put64(f->bed, root(space) + 3 * PAGE_BYTES + page * 8,
                   ram_page(n) | P | W | U);
}

static void map_global(Fixture *f, unsigned page, unsigned n)
{
    soft_bed_put64(f->bed, COMMON + (GLOBAL >> PAGE_SHIFT) % 512 * 8 + page * 8,
                   ram_page(n) | P | W | U | G);
}

static void make_space(Fixture *f, unsigned space)
{
    gpa at = root(space);

    soft_bed_put64(f->bed, at, (at + PAGE_BYTES) | P | W | U);
    soft_bed_put64(f->bed, at + PAGE_BYTES, (at + 2 * PAGE_BYTES) | P | W | U);
    at += 2 * PAGE_BYTES;
    soft_bed_put64(f->bed, at, P | W | U | PS);
    soft_bed_put64(f->bed, at + 2 * 8, (at + PAGE_BYTES) | P | W | U);
    soft_bed_put64(f->bed, at + (GLOBAL >> 21) * 8, COMMON | P | W | U);
    for (unsigned i = 0; i < LARGE_PAGES; i++) {
        soft_bed_put64(f->bed, at + (4 + i) * 8, P | W | U | PS);
    }
}

static void set_up(Fixture *f, gconstpointer data)
{
    f->bed = soft_bed_new(1, NULL);
    f->cpu = f->bed->cpu;
    for (unsigned n = 0; n < PAGES; n++) {
        soft_bed_put64(f->bed, ram_page(n), n);
        soft_bed_put(f->bed, ram_page(n) + CODE_AT, "\x0f\x0b", 2);     /* UD2 */
    }
    for (unsigned space = 0; space < SPACES; space++) {
        make_space(f, space);
    }
    soft_bed_long_mode(f->bed, root(0));
    soft_bed_set(f->bed);
    cpu_set_cr4(f->cpu, f->cpu->cr4 | CR4_PGE | CR4_PCIDE);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    soft_bed_free(f->bed);
}

static void go(Fixture *f, unsigned space, u64 keep)
{
    cpu_set_cr3(f->cpu, root(space) | space | keep);
}

static unsigned read_at(Fixture *f, gva at)
{
    return cpu_load64(f->cpu, at);
}

static unsigned own(Fixture *f)
{
    return read_at(f, OWN);
}

static unsigned global(Fixture *f)
{
    return read_at(f, GLOBAL);
}

/* Which page the code at an address is found in. */
static unsigned code(Fixture *f, gva at)
{
    f->cpu->rip = at + CODE_AT;
    return (block_look_up(f->cpu)->at - RAM) / PAGE_BYTES;
}

static void invpcid(Fixture *f, u64 type, u64 pcid, gva at)
{
    soft_bed_put64(f->bed, OPERAND, pcid);
    soft_bed_put64(f->bed, OPERAND + 8, at);
    f->cpu->gpr[RCX] = type;
    f->cpu->gpr[RAX] = OPERAND;
    g_assert_cmpint(soft_bed_execute(f->bed, (const u8 *)"\x66\x0f\x38\x82\x08", 5), ==,
                    -1);                            /* invpcid (%rax), %rcx */
}

/* ---- CR3 ---- */

/* 4.10.4.1: not without bit 63.  With it entries may stay: here they do. */
static void test_cr3(Fixture *f, gconstpointer data)
{
    map(f, 1, 0, 1);
    map(f, 2, 0, 2);
    map_global(f, 0, 3);
    go(f, 1, 0);
    g_assert_cmpuint(own(f), ==, 1);
    g_assert_cmpuint(global(f), ==, 3);
    go(f, 2, 0);
    g_assert_cmpuint(own(f), ==, 2);
    map(f, 1, 0, 4);
    map_global(f, 0, 5);
    go(f, 1, NO_FLUSH);
    g_assert_cmpuint(own(f), ==, 1);
    g_assert_cmpuint(global(f), ==, 3);
    go(f, 2, NO_FLUSH);
    g_assert_cmpuint(own(f), ==, 2);
    go(f, 1, 0);
    g_assert_cmpuint(own(f), ==, 4);
    g_assert_cmpuint(global(f), ==, 3);
    map(f, 1, 0, 6);
    go(f, 1, NO_FLUSH);
    g_assert_cmpuint(own(f), ==, 4);
    go(f, 1, 0);
    g_assert_cmpuint(own(f), ==, 6);
}

/* More PCIDs than can be kept, twice around. */
static void test_many(Fixture *f, gconstpointer data)
{
    for (unsigned i = 0; i < 2 * SPACES; i++) {
        unsigned space = i % SPACES;

        if (i < SPACES) {
            map(f, space, 0, space);
        }
        go(f, space, i < SPACES ? 0 : NO_FLUSH);
        g_assert_cmpuint(own(f), ==, space);
        g_assert_cmpuint(code(f, OWN), ==, space);
    }
}

/* More entries than a shelf has: pieces of large pages are one each. */
static void test_full(Fixture *f, gconstpointer data)
{
    f->cpu->tlb_mask = (TLB_SIZE - 1) * sizeof(TlbEntry);
    mmu_flush(f->cpu);
    go(f, 1, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SHELF_ENTRIES + 100; i++) {
            u64 offset = i * (u64)PAGE_BYTES % LARGE_BYTES + 8;

            soft_bed_put64(f->bed, offset, i);
            g_assert_cmpuint(read_at(f, LARGE + i * (u64)PAGE_BYTES + 8), ==, i);
        }
        g_assert_cmpuint(f->cpu->tlb_log[0].n, ==, SHELF_ENTRIES + 100);
        go(f, 2, NO_FLUSH);
        g_assert_cmpuint(f->cpu->tlb_log[0].n, ==, 0);
        go(f, 1, NO_FLUSH);
        g_assert_cmpuint(f->cpu->tlb_log[0].n, ==, SHELF_ENTRIES);
    }
}

/* ---- what invalidates what (4.10.4.1) ---- */

typedef struct {
    const char *name;
    void (*run)(Fixture *f);
    bool present, other, global;        /* what has to go */
    bool kept;                          /* of the other PCID it must not */
} Invalidation;

static void cr3_load(Fixture *f) { go(f, 1, 0); }
static void invlpg(Fixture *f)
{
    f->cpu->gpr[RAX] = OWN + 5;
    g_assert_cmpint(soft_bed_execute(f->bed, (const u8 *)"\x0f\x01\x38", 3), ==, -1);
}
static void invlpg_global(Fixture *f)
{
    f->cpu->gpr[RAX] = GLOBAL;
    g_assert_cmpint(soft_bed_execute(f->bed, (const u8 *)"\x0f\x01\x38", 3), ==, -1);
}
static void invpcid_0(Fixture *f) { invpcid(f, 0, 1, OWN); }
static void invpcid_0_other(Fixture *f) { invpcid(f, 0, 2, OWN); }
static void invpcid_1(Fixture *f) { invpcid(f, 1, 1, 0); }
static void invpcid_1_other(Fixture *f) { invpcid(f, 1, 2, 0); }
static void invpcid_1_none(Fixture *f) { invpcid(f, 1, 7, 0); }
static void invpcid_2(Fixture *f) { invpcid(f, 2, 0, 0); }
static void invpcid_3(Fixture *f) { invpcid(f, 3, 0, 0); }

static void cr4_toggle(Fixture *f, u64 bit)
{
    cpu_set_cr4(f->cpu, f->cpu->cr4 ^ bit);
    cpu_set_cr4(f->cpu, f->cpu->cr4 ^ bit);
}
static void cr4_pge(Fixture *f) { cr4_toggle(f, CR4_PGE); }
static void cr4_smep(Fixture *f) { cr4_toggle(f, CR4_SMEP); }
static void cr4_pcide(Fixture *f)
{
    u64 cr3 = f->cpu->cr3;

    cpu_set_cr4(f->cpu, f->cpu->cr4 ^ CR4_PCIDE);
    cpu_set_cr3(f->cpu, cr3 & PAGE_MASK);
    cpu_set_cr4(f->cpu, f->cpu->cr4 ^ CR4_PCIDE);
    cpu_set_cr3(f->cpu, cr3 | NO_FLUSH);
}
static void flush(Fixture *f) { mmu_flush(f->cpu); }

static const Invalidation invalidations[] = {
    { "MOV CR3",              cr3_load,        true,  false, false, true },
    { "INVLPG",               invlpg,          true,  false, false, true },
    { "INVLPG, global",       invlpg_global,   false, false, true,  true },
    { "INVPCID 0, present",   invpcid_0,       true,  false, false, true },
    { "INVPCID 0, other",     invpcid_0_other, false, true,  false, false },
    { "INVPCID 1, present",   invpcid_1,       true,  false, false, true },
    { "INVPCID 1, other",     invpcid_1_other, false, true,  false, false },
    { "INVPCID 1, a third",   invpcid_1_none,  false, false, false, true },
    { "INVPCID 2",            invpcid_2,       true,  true,  true,  false },
    { "INVPCID 3",            invpcid_3,       true,  true,  false, false },
    { "CR4.PGE",              cr4_pge,         true,  true,  true,  false },
    { "CR4.SMEP",             cr4_smep,        true,  true,  true,  false },
    { "CR4.PCIDE",            cr4_pcide,       true,  true,  true,  false },
    { "an exclusive section", flush,           true,  true,  true,  false },
};

/* By data and by code; all entries were there before, and the tables say otherwise. */
static void test_invalidation(Fixture *f, gconstpointer data)
{
    const Invalidation *row = data;

    for (unsigned by_code = 0; by_code < 2; by_code++) {
        unsigned (*look)(Fixture *f, gva at) = by_code ? code : read_at;

        go(f, 1, 0);
        go(f, 2, 0);
        map(f, 1, 0, 1);
        map(f, 2, 0, 2);
        map_global(f, 0, 3);
        mmu_flush(f->cpu);
        g_assert_cmpuint(look(f, OWN), ==, 2);
        g_assert_cmpuint(look(f, GLOBAL), ==, 3);
        go(f, 1, NO_FLUSH);
        g_assert_cmpuint(look(f, OWN), ==, 1);
        g_assert_cmpuint(look(f, GLOBAL), ==, 3);
        map(f, 1, 0, 4);
        map(f, 2, 0, 5);
        map_global(f, 0, 6);
        row->run(f);
        if (row->global) {
            g_assert_cmpuint(look(f, GLOBAL), ==, 6);
        }
        if (row->present) {
            g_assert_cmpuint(look(f, OWN), ==, 4);
        }
        go(f, 2, NO_FLUSH);
        if (row->other || row->kept) {
            g_assert_cmpuint(look(f, OWN), ==, row->other ? 5 : 2);
        }
        if (row->global) {
            g_assert_cmpuint(look(f, GLOBAL), ==, 6);
        }
    }
}

/* INVLPG drops all of a large page (4.10.4.1), also of one that was put aside. */
static void test_large(Fixture *f, gconstpointer data)
{
    gpa entry = root(1) + 2 * PAGE_BYTES + 4 * 8;

    soft_bed_put64(f->bed, entry, RAM | P | W | PS);
    go(f, 1, 0);
    g_assert_cmpuint(read_at(f, LARGE + PAGE_BYTES), ==, 1);
    go(f, 2, 0);
    soft_bed_put64(f->bed, entry, P | W | PS);
    soft_bed_put64(f->bed, PAGE_BYTES, 0x77);
    go(f, 1, NO_FLUSH);
    g_assert_cmpuint(read_at(f, LARGE + PAGE_BYTES), ==, 1);
    f->cpu->gpr[RAX] = LARGE + 0x1ff000;
    g_assert_cmpint(soft_bed_execute(f->bed, (const u8 *)"\x0f\x01\x38", 3), ==, -1);
    g_assert_cmpuint(read_at(f, LARGE + PAGE_BYTES), ==, 0x77);
}

/* ---- what happens to a page meanwhile ---- */

/* It gets code: the next write drops it. */
static void test_code(Fixture *f, gconstpointer data)
{
    Block *block;

    map(f, 1, 0, 1);
    map(f, 2, 0, 1);
    go(f, 1, 0);
    cpu_store8(f->cpu, OWN, 1);
    go(f, 2, 0);
    f->cpu->rip = OWN + CODE_AT;
    block = block_look_up(f->cpu);
    g_assert_true(block->valid);
    go(f, 1, NO_FLUSH);
    cpu_store8(f->cpu, OWN + CODE_AT, 0xf4);
    g_assert_false(block->valid);
}

/* Who clears dirty marks flushes: then the next write sets it. */
static void test_dirty(Fixture *f, gconstpointer data)
{
    u8 *flags = mem_page_flags(f->bed->machine->mem);

    map(f, 1, 0, 1);
    go(f, 1, 0);
    cpu_store8(f->cpu, OWN, 1);
    go(f, 2, 0);
    flags[ram_page(1) >> PAGE_SHIFT] = 0;
    mmu_flush(f->cpu);
    go(f, 1, NO_FLUSH);
    cpu_store8(f->cpu, OWN, 1);
    g_assert_cmphex(flags[ram_page(1) >> PAGE_SHIFT], ==, PAGE_DIRTY_ALL);
}

/* ---- at random ---- */

/*
 * What each address may lead to: a bit for each page of RAM that the tables named since
 * it was last invalidated.
 */
enum { RANDOM_PAGES = 4 };
typedef struct {
    Fixture *f;
    GRand *rand;
    unsigned now;
    u32 own[SPACES][RANDOM_PAGES], common[RANDOM_PAGES];
    unsigned own_now[SPACES][RANDOM_PAGES], common_now[RANDOM_PAGES];
} Model;

static unsigned any(Model *m, unsigned below)
{
    return g_rand_int_range(m->rand, 0, below);
}

static void settle_own(Model *m, unsigned space, int page)
{
    for (int i = 0; i < RANDOM_PAGES; i++) {
        if (page < 0 || i == page) {
            m->own[space][i] = 1u << m->own_now[space][i];
        }
    }
}

static void settle_common(Model *m)
{
    for (unsigned i = 0; i < RANDOM_PAGES; i++) {
        m->common[i] = 1u << m->common_now[i];
    }
}

static void random_map(Model *m)
{
    unsigned space = any(m, SPACES), page = any(m, RANDOM_PAGES), n = any(m, PAGES);

    if (any(m, 4)) {
        map(m->f, space, page, n);
        m->own_now[space][page] = n;
        m->own[space][page] |= 1u << n;
    } else {
        map_global(m->f, page, n);
        m->common_now[page] = n;
        m->common[page] |= 1u << n;
    }
}

static void random_look(Model *m)
{
    bool of_all = !any(m, 4);
    unsigned page = any(m, RANDOM_PAGES), n;
    gva at = (of_all ? GLOBAL : OWN) + page * PAGE_BYTES;

    m->f->cpu->cpl = any(m, 2) ? 3 : 0;
    cpu_mode_changed(m->f->cpu);
    n = any(m, 2) ? code(m->f, at) : read_at(m->f, at);
    g_assert_cmpuint(n, <, PAGES);
    g_assert_true((of_all ? m->common[page] : m->own[m->now][page]) >> n & 1);
    m->f->cpu->cpl = 0;
    cpu_mode_changed(m->f->cpu);
}

static void random_switch(Model *m)
{
    bool keep = any(m, 4);

    m->now = any(m, SPACES);
    go(m->f, m->now, keep ? NO_FLUSH : 0);
    if (!keep) {
        settle_own(m, m->now, -1);
    }
}

static void random_invpcid(Model *m)
{
    unsigned type = any(m, 4), space = any(m, SPACES), page = any(m, RANDOM_PAGES);

    invpcid(m->f, type, space, OWN + page * PAGE_BYTES);
    for (unsigned i = 0; i < SPACES; i++) {
        if (type >= 2 || i == space) {
            settle_own(m, i, type == 0 ? (int)page : -1);
        }
    }
    if (type == 2) {
        settle_common(m);
    }
}

static void random_invlpg(Model *m)
{
    unsigned page = any(m, RANDOM_PAGES);
    bool of_all = any(m, 2);

    m->f->cpu->gpr[RAX] = (of_all ? GLOBAL : OWN) + page * PAGE_BYTES;
    soft_bed_execute(m->f->bed, (const u8 *)"\x0f\x01\x38", 3);
    if (of_all) {
        m->common[page] = 1u << m->common_now[page];
    } else {
        settle_own(m, m->now, page);
    }
}

static void test_random(Fixture *f, gconstpointer data)
{
    Model m = { .f = f, .rand = g_rand_new_with_seed(g_test_rand_int()) };

    for (unsigned space = 0; space < SPACES; space++) {
        for (unsigned page = 0; page < RANDOM_PAGES; page++) {
            map(f, space, page, 0);
            map_global(f, page, 0);
        }
        settle_own(&m, space, -1);
    }
    settle_common(&m);
    for (unsigned i = 0; i < 300000; i++) {
        unsigned kind = any(&m, 64);

        kind < 40 ? random_look(&m)
        : kind < 48 ? random_map(&m)
        : kind < 60 ? random_switch(&m)
        : kind < 62 ? random_invlpg(&m) : random_invpcid(&m);
        /* Each entry is logged once: those of two modes, and INVPCID's operand. */
        g_assert_cmpuint(f->cpu->tlb_log[0].n, <=, 2 * RANDOM_PAGES + 1);
        g_assert_cmpuint(f->cpu->tlb_log[1].n, <=, 2 * RANDOM_PAGES);
    }
    g_rand_free(m.rand);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "cr3", test_cr3 },     { "many", test_many }, { "full", test_full },
        { "large", test_large }, { "code", test_code }, { "dirty", test_dirty },
        { "random", test_random },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/soft/pcid/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(invalidations); i++) {
        g_autofree char *path = g_strdup_printf("/soft/pcid/invalidation/%s",
                                                invalidations[i].name);

        g_test_add(path, Fixture, &invalidations[i], set_up, test_invalidation,
                   tear_down);
    }
    return g_test_run();
}

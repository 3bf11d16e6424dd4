/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page walks against a model made from the SDM's tables (vol. 3, chapter 4): random
 * tables of every kind of paging, random accesses; address, error code, accessed and
 * dirty bits must be the model's.
 */

#include "accel/soft/walk.h"
#include "tests/lib/soft_bed.h"

enum { ROUNDS = 60000, TABLES = 0x100000 };

/* ---- the model ---- */

/*
 * One level of a kind of paging, as tables 4-5, 4-6, 4-8 to 4-11 and 4-14 to 4-20 give
 * it.
 */
typedef struct {
    const char *name;
    u8 low, bits;               /* of the linear address */
    u64 maps; /* bytes of the page it maps if PS is set; 1: PS is reserved */
    u64 reserved;               /* always 0 in a present entry, below bit 32 */
    u64 reserved_page;          /* ... if it maps a page */
} Level;

typedef struct {
    const char *name;
    u8 bytes;                   /* of an entry */
    u8 n;
    Level level[5];
    u64 ignored;                /* bits 63:52 that are ignored, but for NX */
} Kind;

enum { K4 = 4096, M2 = 2 << 20, M4 = 4 << 20, G1 = 1 << 30 };

static const Kind kinds[] = {
    { "32-bit",
      4,
      2,
      { { "PDE", 22, 10, M4, 0, 1 << 21 }, { "PTE", 12, 10, K4, 0, 0 } },
      0 },
    { "PAE",
      8,
      2,
      { { "PDE", 21, 9, M2, 0, 0xff << 13 }, { "PTE", 12, 9, K4, 0, 0 } },
      0 },
    { "4-level",
      8,
      4,
      { { "PML4E", 39, 9, 1, 0, 0 },
        { "PDPTE", 30, 9, G1, 0, 0x1ffff << 13 },
        { "PDE", 21, 9, M2, 0, 0xff << 13 },
        { "PTE", 12, 9, K4, 0, 0 } },
      0x7ff },
    { "5-level",
      8,
      5,
      { { "PML5E", 48, 9, 1, 0, 0 },
        { "PML4E", 39, 9, 1, 0, 0 },
        { "PDPTE", 30, 9, G1, 0, 0x1ffff << 13 },
        { "PDE", 21, 9, M2, 0, 0xff << 13 },
        { "PTE", 12, 9, K4, 0, 0 } },
      0x7ff },
};

/* What a case is made of. */
typedef struct {
    const Kind *kind;
    u64 entry[5];
    gva at;
    Access access;
    MmuMode mode;
    bool pse, nxe, wp, smep;
    unsigned width;             /* MAXPHYADDR */
} Case;

/* What must come of it. */
typedef struct {
    bool fault;
    u32 error;
    gpa phys;                   /* of the 4 KiB page */
    unsigned used; /* entries that were followed; the last one maps the page */
} Answer;

static u64 bit(u64 value, unsigned n)
{
    return value >> n & 1;
}

static bool reserved_set(const Case *c, const Level *level, u64 entry, bool page)
{
    u64 mask = level->reserved | (page ? level->reserved_page : 0);

    if (c->kind->bytes == 4) {
        return entry & mask;
    }
    for (unsigned n = c->width; n < 52; n++) {
        mask |= 1ull << n;
    }
    mask |= (~c->kind->ignored & 0x7ff) << 52;
    mask |= c->nxe ? 0 : 1ull << 63;
    mask |= page && level->maps == 1 ? 1 << 7 : 0;
    return entry & mask;
}

static u32 tried(const Case *c)
{
    bool shown = c->smep || (c->kind->bytes == 8 && c->nxe);

    return (c->access == ACCESS_WRITE) << 1 | (c->mode == MMU_USER) << 2 |
           (c->access == ACCESS_EXEC && shown) << 4;
}

/* Section 4.6.1. */
static bool permitted(const Case *c, bool user, bool write, bool nx)
{
    if (c->mode == MMU_USER) {
        return user && (c->access != ACCESS_WRITE || write) &&
               (c->access != ACCESS_EXEC || !nx);
    }
    switch (c->access) {
    case ACCESS_READ:
        return !user || c->mode != MMU_KERNEL_SMAP;
    case ACCESS_WRITE:
        return (!user || c->mode != MMU_KERNEL_SMAP) && (write || !c->wp);
    default:
        return !nx && !(user && c->smep);
    }
}

static Answer model(const Case *c)
{
    bool user = true, write = true, nx = false;

    for (unsigned i = 0;; i++) {
        const Level *level = &c->kind->level[i];
        u64 e = c->entry[i];
        bool ps = bit(e, 7) && (c->kind->bytes == 8 || c->pse);
        bool page = level->maps == K4 || ps;
        u64 bytes = level->maps, base = e & 0x000ffffffffff000;

        if (!bit(e, 0)) {
            return (Answer){ true, tried(c), 0, i };
        }
        if (reserved_set(c, level, e, page)) {
            return (Answer){ true, tried(c) | 9, 0, i };
        }
        user &= bit(e, 2);
        write &= bit(e, 1);
        nx |= c->kind->bytes == 8 && bit(e, 63);
        if (!page) {
            continue;
        }
        if (!permitted(c, user, write, nx)) {
            return (Answer){ true, tried(c) | 1, 0, i };
        }
        if (bytes == M4) {
            base = (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
        }
        return (Answer){ false, 0,
                         ((base / bytes * bytes) | (c->at & (bytes - 1))) & PAGE_MASK,
                         i + 1 };
    }
}

/* ---- cases ---- */

static bool one_in(unsigned n)
{
    return g_test_rand_int_range(0, n) == 0;
}

static u64 random64(void)
{
    return (u64)g_test_rand_int() << 32 | (u32)g_test_rand_int();
}

/* Mostly present, writable and for users, so that many walks get to the end. */
static u64 random_entry(const Case *c, unsigned i)
{
    u64 e = random64() & 0x160;             /* A, D, G */
    bool table;

    e |= (u64)!one_in(12) | (u64)!one_in(4) << 1 | (u64)!one_in(4) << 2 |
         (u64)one_in(4) << 7;
    if (c->kind->bytes == 8) {
        e |= (u64)one_in(5) << 63;
        e |= one_in(3) ? (random64() & c->kind->ignored) << 52 : 0;
        e |= one_in(25) ? 1ull << g_test_rand_int_range(c->width, 63) : 0;
    }
    table = i + 1 < c->kind->n && (c->kind->level[i].maps == 1 || !bit(e, 7));
    if (table) {
        return e | (TABLES + (i + 1) * PAGE_BYTES);
    }
    e |= one_in(25) ? 1ull << g_test_rand_int_range(13, 32) : 0;
    return e | (random64() & (one_in(3) ? 0xfffff000 : 0xc0000000));
}

static Case random_case(void)
{
    static const u8 widths[] = { 36, 40, 46, 52 };
    Case c = {
        .kind = &kinds[g_test_rand_int_range(0, G_N_ELEMENTS(kinds))],
        .access = g_test_rand_int_range(0, 3),
        .mode = g_test_rand_int_range(0, 3),
        .pse = !one_in(3), .nxe = !one_in(3), .wp = !one_in(3), .smep = one_in(2),
        .width = widths[g_test_rand_int_range(0, 4)],
    };

    c.at = random64();
    if (c.kind->n < 4) {
        c.at &= UINT32_MAX;
    } else if (c.kind->n == 4) {
        c.at = (gva)((s64)(c.at << 16) >> 16);
    }
    /*
     * A non-leaf PDE of 32-bit paging without PSE points to a table whatever PS says.
     */
    for (unsigned i = 0; i < c.kind->n; i++) {
        c.entry[i] = random_entry(&c, i);
        if (c.kind->bytes == 4 && i == 0 && !c.pse) {
            c.entry[i] = (c.entry[i] & 0xfff) | (TABLES + PAGE_BYTES);
        }
        if (c.kind->bytes == 4) {
            c.entry[i] = (u32)c.entry[i];
        }
    }
    return c;
}

static gpa entry_at(const Case *c, unsigned i)
{
    const Level *level = &c->kind->level[i];

    return TABLES + i * PAGE_BYTES +
           (c->at >> level->low & ((1 << level->bits) - 1)) * c->kind->bytes;
}

static void set_up(SoftBed *bed, const Case *c)
{
    Cpu *cpu = bed->cpu;

    cpu->cr0 = CR0_PE | CR0_PG | (c->wp ? CR0_WP : 0);
    cpu->cr3 = TABLES;
    cpu->cr4 = (c->kind->bytes == 8 ? CR4_PAE : 0) | (c->pse ? CR4_PSE : 0) | CR4_PGE |
               (c->smep ? CR4_SMEP : 0) | (c->kind->n == 5 ? CR4_LA57 : 0);
    cpu->efer = (c->nxe ? EFER_NXE : 0) | (c->kind->n >= 4 ? EFER_LME | EFER_LMA : 0);
    cpu->phys_bits = c->width;
    cpu->pages_1g = true;
    for (unsigned i = 0; i < 4; i++) {
        cpu->pdpte[i] = TABLES | 1;
    }
    for (unsigned i = 0; i < c->kind->n; i++) {
        soft_bed_put(bed, entry_at(c, i), &c->entry[i], c->kind->bytes);
    }
}

/* MAXPHYADDR below 40 reserves more of a 4 MiB entry (table 4-4). */
static Answer expected(const Case *c)
{
    Answer a = model(c);

    if (c->kind->bytes == 4 && c->pse && bit(c->entry[0], 0) && bit(c->entry[0], 7) &&
        c->width < 40 &&
        c->entry[0] >> (c->width - 19) & ((1 << (41 - c->width)) - 1)) {
        return (Answer){ true, tried(c) | 9, 0, 0 };
    }
    return a;
}

static void check(SoftBed *bed, const Case *c)
{
    Answer want = expected(c);
    Walk walk;
    u32 error = 0;
    bool ok;

    set_up(bed, c);
    ok = mmu_walk(bed->cpu, c->at, c->access, c->mode, &walk, &error);
    if (ok == want.fault || (ok ? walk.phys != want.phys : error != want.error)) {
        g_test_message("%s at %#" G_GINT64_MODIFIER "x: %#x, not %#x", c->kind->name,
                       c->at, error, want.error);
    }
    g_assert_cmpint(ok, ==, !want.fault);
    if (ok) {
        g_assert_cmphex(walk.phys, ==, want.phys);
    } else {
        g_assert_cmphex(error, ==, want.error);
    }
    for (unsigned i = 0; i < c->kind->n; i++) {
        u64 e = soft_bed_get64(bed, entry_at(c, i)),
            mask = c->kind->bytes == 8 ? ~0ull : UINT32_MAX;
        u64 marked = c->entry[i];

        if (ok && i < want.used) {
            marked |= 1 << 5;
            marked |= i + 1 == want.used && c->access == ACCESS_WRITE ? 1 << 6 : 0;
        }
        g_assert_cmphex(e & mask, ==, marked & mask);
    }
}

static void test_random(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);

    for (unsigned i = 0; i < ROUNDS; i++) {
        Case c = random_case();

        check(bed, &c);
    }
}

/* ---- what the random cases do not reach ---- */

static void test_off(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Walk walk;
    u32 error;

    g_assert_true(
        mmu_walk(bed->cpu, 0x12345678, ACCESS_WRITE, MMU_USER, &walk, &error));
    g_assert_cmphex(walk.phys, ==, 0x12345000);
}

/* 1 GiB pages are reserved where CPUID does not have them. */
static void test_no_1g(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Case c = { .kind = &kinds[2],
               .entry = { (TABLES + PAGE_BYTES) | 7, 0x87 },
               .width = 40,
               .nxe = true };
    Walk walk;
    u32 error;

    set_up(bed, &c);
    g_assert_true(mmu_walk(bed->cpu, 0, ACCESS_READ, MMU_USER, &walk, &error));
    bed->cpu->pages_1g = false;
    g_assert_false(mmu_walk(bed->cpu, 0, ACCESS_READ, MMU_USER, &walk, &error));
    g_assert_cmphex(error, ==, PF_PRESENT | PF_RESERVED | PF_USER);
}

/* 4.4.1, table 4-8: bits 2:1, 8:5 and those above MAXPHYADDR. */
static void test_pdptes(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    static const u64 bad[] = { 1 << 1, 1 << 2, 1 << 5, 1 << 8, 1ull << 46, 1ull << 63 };
    u64 pdpte[4];

    bed->cpu->phys_bits = 46;
    soft_bed_put64(bed, TABLES + 8, 0x5001);
    g_assert_true(walk_load_pdptes(bed->cpu, TABLES | 0x1f, pdpte));
    g_assert_cmphex(pdpte[1], ==, 0x5001);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        soft_bed_put64(bed, TABLES + 16, bad[i]);
        g_assert_true(walk_load_pdptes(bed->cpu, TABLES, pdpte));
        soft_bed_put64(bed, TABLES + 16, bad[i] | 1);
        g_assert_false(walk_load_pdptes(bed->cpu, TABLES, pdpte));
    }
}

/*
 * Tables where there is no memory, or in ROM: a fault or a walk, never a crash or a
 * loop.
 */
static void test_outside(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Case c = { .kind = &kinds[2], .width = 46, .nxe = true };
    Walk walk;
    u32 error;
    gpa at;

    set_up(bed, &c);
    bed->cpu->cr3 = 0x3000000000;
    g_assert_false(mmu_walk(bed->cpu, 0x1000, ACCESS_READ, MMU_KERNEL, &walk, &error));
    g_assert_cmphex(error, ==, PF_PRESENT | PF_RESERVED);
    g_assert_false(mmu_translate(bed->cpu, 0x1000, &at));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/walk/random", test_random);
    g_test_add_func("/soft/walk/off", test_off);
    g_test_add_func("/soft/walk/no-1g", test_no_1g);
    g_test_add_func("/soft/walk/pdptes", test_pdptes);
    g_test_add_func("/soft/walk/outside", test_outside);
    return g_test_run();
}

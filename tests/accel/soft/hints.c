/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hints are copies of TLB entries (accel/soft/cpu.h): whatever takes an entry away must
 * be seen by translated code that has a copy of it.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include "accel/soft/tlb.h"
#include "tests/lib/soft_bed.h"

enum {
    TABLES = 0x1000, PAGES = TABLES + 0x3000, CODE = 0x100000,
    DATA = 0x200000, OTHER = 0x201000, THIRD = 0x202000, /* mapped by 4 KiB pages */
    ALIAS = DATA + TLB_SIZE * PAGE_BYTES,       /* has the TLB entry of DATA */
    FRAME_A = 0x400000, FRAME_B = 0x401000,
};

static void map(SoftBed *bed, gva at, gpa to)
{
    soft_bed_put64(bed, PAGES + (at >> PAGE_SHIFT) % 512 * 8, to | 0x63);
}

static SoftBed *bed_new(void)
{
    SoftBed *bed = soft_bed_new(1, NULL);

    soft_bed_put64(bed, TABLES, (TABLES + 0x1000) | 3);
    soft_bed_put64(bed, TABLES + 0x1000, (TABLES + 0x2000) | 3);
    soft_bed_put64(bed, TABLES + 0x2000, 0x83);
    soft_bed_put64(bed, TABLES + 0x2000 + DATA / (2 << 20) * 8, PAGES | 3);
    soft_bed_put64(bed, TABLES + 0x2000 + ALIAS / (2 << 20) * 8, (PAGES + 0x1000) | 3);
    soft_bed_put64(bed, PAGES + 0x1000, FRAME_B | 0x163);
    soft_bed_long_mode(bed, TABLES);
    bed->state.control.cr4 |= CR4_PGE;
    soft_bed_put64(bed, FRAME_A, 0xaaaa);
    soft_bed_put64(bed, FRAME_B, 0xbbbb);
    map(bed, DATA, FRAME_A);
    return bed;
}

static void translate(SoftBed *bed, const char *bytes, size_t n)
{
    soft_bed_put(bed, CODE, bytes, n);
    soft_bed_put(bed, CODE + n, "\x0f\x0b", 2);
    soft_bed_set(bed);
    bed->cpu->rip = CODE;
    blocks_heat(bed->cpu, block_find(bed->cpu));
}

static void run(SoftBed *bed, gva rbx)
{
    Cpu *cpu = bed->cpu;

    cpu->gpr[RBX] = rbx;
    cpu->rip = CODE;
    atomic_store(&cpu->request, 0);
    jit_begin(cpu);
    g_assert_cmpint(CAUGHT(cpu, jit_enter(cpu, block_find(cpu))), ==, EXC_UD);
}

/* ---- what takes an entry away ---- */

static void by_page(Cpu *cpu) { mmu_flush_page(cpu, DATA); }

/* A global page takes the entry, and keeps it. */
static void by_alias(Cpu *cpu)
{
    mmu_load_slow(cpu, ALIAS, 8);
    mmu_flush_non_global(cpu);
}

static void test_taken_away(gconstpointer how)
{
    static void (*const flush[])(Cpu *) = { mmu_flush, mmu_flush_non_global, by_page,
                                            by_alias };
    g_autoptr(SoftBed) bed = bed_new();

    translate(bed, "\x48\x8b\x03", 3);                  /* mov (%rbx), %rax; ud2 */
    for (unsigned turn = 0; turn < 4; turn++) {
        map(bed, DATA, turn % 2 ? FRAME_B : FRAME_A);
        flush[GPOINTER_TO_UINT(how)](bed->cpu);
        for (unsigned i = 0; i < 3; i++) {
            run(bed, DATA);
            g_assert_cmphex(bed->cpu->gpr[RAX], ==, turn % 2 ? 0xbbbb : 0xaaaa);
        }
    }
}

/* A page that code is decoded from is not written quickly any more. */
static void test_code(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    Cpu *cpu = bed->cpu;
    Block *block;

    translate(bed, "\x48\x89\x03", 3);                  /* mov %rax, (%rbx); ud2 */
    cpu->gpr[RAX] = 0x0b0f;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < 3; i++) {
            run(bed, DATA);
        }
        cpu->rip = DATA;
        block = block_find(cpu);
        g_assert_true(block_valid(block));
        run(bed, DATA);
        g_assert_false(block_valid(block));
    }
}

/* Those that are listed with the entry of an address, each named where it should be. */
static unsigned listed(Cpu *cpu, gva at)
{
    u32 *name = &cpu->tlb_hints_of[tlb_number(cpu, at, MMU_KERNEL)];
    unsigned n = 0;

    while (*name) {
        TlbHint *hint = (TlbHint *)((u8 *)cpu + *name);

        g_assert_cmphex(hint->named_at, ==, (u8 *)name - (u8 *)cpu);
        g_assert_cmphex(hint->read, ==, at);
        name = &hint->next;
        n++;
    }
    return n;
}

/* Pages in turn, at one place: its hint moves from one to the other. */
static void test_turns(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    Cpu *cpu = bed->cpu;

    map(bed, OTHER, FRAME_B);
    translate(bed, "\x48\x8b\x03", 3);
    for (unsigned turn = 0; turn < 20; turn++) {
        run(bed, turn % 2 ? OTHER : DATA);
        g_assert_cmphex(cpu->gpr[RAX], ==, turn % 2 ? 0xbbbb : 0xaaaa);
        g_assert_cmpuint(listed(cpu, DATA), ==, turn > 1 && turn % 2 == 0);
        g_assert_cmpuint(listed(cpu, OTHER), ==, turn > 1 && turn % 2);
    }
}

/*
 * mov (%rbx), %rax; mov (%rcx), %rdx; mov (%rsi), %rdi: three hints of any page, and
 * not so often wrong that the place does without.
 */
static void test_lists(void)
{
    static const gva page[] = { DATA, OTHER, THIRD };
    g_autoptr(SoftBed) bed = bed_new();
    Cpu *cpu = bed->cpu;

    map(bed, OTHER, FRAME_B);
    map(bed, THIRD, FRAME_B);
    translate(bed, "\x48\x8b\x03\x48\x8b\x11\x48\x8b\x3e", 9);
    for (unsigned turn = 0; turn < 54; turn++) {
        unsigned x = turn % 3, y = turn / 3 % 3, z = turn / 9 % 3;

        cpu->gpr[RCX] = page[y];
        cpu->gpr[RSI] = page[z];
        run(bed, page[x]);
        run(bed, page[x]);
        for (unsigned i = 0; i < 3; i++) {
            g_assert_cmpuint(listed(cpu, page[i]), ==, (x == i) + (y == i) + (z == i));
        }
        if (turn % 7 == 0) {
            mmu_flush_page(cpu, page[turn % 3]);
            g_assert_cmpuint(listed(cpu, page[turn % 3]), ==, 0);
        }
    }
}

/* Page 0 has the tag that zeroed memory has. */
static void test_page_zero(void)
{
    g_autoptr(SoftBed) bed = bed_new();

    soft_bed_put64(bed, 8, 0x5555);
    translate(bed, "\x48\x8b\x03", 3);
    for (unsigned i = 0; i < 3; i++) {
        run(bed, 8);
        g_assert_cmphex(bed->cpu->gpr[RAX], ==, 0x5555);
        g_assert_cmpuint(listed(bed->cpu, 0), ==, i > 0);
    }
}

int main(int argc, char **argv)
{
    static const char *const how[] = { "all", "not-global", "page", "alias" };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(how); i++) {
        g_autofree char *name = g_strdup_printf("/soft/hints/taken-by-%s", how[i]);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_taken_away);
    }
    g_test_add_func("/soft/hints/code", test_code);
    g_test_add_func("/soft/hints/turns", test_turns);
    g_test_add_func("/soft/hints/lists", test_lists);
    g_test_add_func("/soft/hints/page-zero", test_page_zero);
    return g_test_run();
}

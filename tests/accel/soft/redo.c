/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags that translated code does not keep before it goes to where nobody knows whether
 * they are wanted: they are, and what set them is done again (accel/soft/jit/redo.c).
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/run.h"
#include "tests/lib/soft_bed.h"
#include <string.h>

enum { TABLES = 0x1000, CODE = 0x100000, TARGET = 0x102000, DATA = 0x60000 };
enum { SETTER_MAX = 5, TURNS = 40 };

static SoftBed *bed_new(void)
{
    SoftBed *bed = soft_bed_new(1, NULL);

    soft_bed_identity(bed, TABLES);
    bed->state.regs.rip = CODE;
    bed->state.regs.gpr[RSP] = 0x80000;
    bed->state.regs.gpr[RBX] = DATA;
    bed->state.regs.gpr[RDX] = TARGET;
    bed->state.regs.gpr[R8] = TURNS;
    bed->state.regs.gpr[R9] = CODE;
    return bed;
}

/* rax = 5, rsi = 7, the flags are set, memory is read, and on to the address in rdx. */
static void put_code(SoftBed *bed, const char *setter, u8 jump)
{
    u8 code[] = {
        0xb8, 5, 0, 0, 0, 0xbe, 7, 0, 0, 0,     /* mov $5, %eax; mov $7, %esi */
        0x90, 0x90, 0x90, 0x90, 0x90,           /* nop, or what sets flags */
        0x48, 0x8b, 0x0b,                       /* mov (%rbx), %rcx */
        0xff, jump,                             /* jmp or call *%rdx */
    };
    static const u8 target[] = {
        0x9c, 0x5f, 0x49, 0xff, 0xc8,           /* pushf; pop %rdi; dec %r8 */
        0x74, 0x03, 0x41, 0xff, 0xe1,           /* jz 1f; jmp *%r9 */
        0xb0, 0x05, 0xe6, BED_EXIT_PORT, 0xeb, 0xfe, /* 1: mov $5; out; jmp . */
    };
    size_t n = strlen(setter);

    memcpy(code + 10 + SETTER_MAX - n, setter, n);
    soft_bed_put(bed, CODE, code, sizeof code);
    soft_bed_put(bed, TARGET, target, sizeof target);
}

/* Results and flags by hand, from the SDM's words on each instruction. */
static void test_wanted(void)
{
    enum { C = 1, P = 4, A = 0x10, Z = 0x40, S = 0x80, O = 0x800 };
    static const struct {
        const char *name, *setter;
        u32 flags, defined;
        u64 rax;
    } row[] = {
        { "cmp %rsi, %rax",    "\x48\x39\xf0",     C | A | S, ~0u, 5 },
        { "cmp $6, %al",       "\x3c\x06",         C | P | A | S, ~0u, 5 },
        { "cmp $5, %eax",      "\x83\xf8\x05",     P | Z, ~0u, 5 },
        { "test %esi, %esi",   "\x85\xf6",         0, ~A, 5 },
        { "test $8, %sil",     "\x40\xf6\xc6\x08", P | Z, ~A, 5 },
        { "add %rsi, %rax",    "\x48\x01\xf0",     P, ~0u, 12 },
        { "add %esi, %eax",    "\x03\xc6",         P, ~0u, 12 },
        { "add $-5, %eax",     "\x83\xc0\xfb",     C | P | A | Z, ~0u, 0 },
        { "add $-5, %rax",     "\x48\x83\xc0\xfb", C | P | A | Z, ~0u, 0 },
        { "sub %rsi, %rax",    "\x48\x29\xf0",     C | A | S, ~0u, -2ull },
        { "sub %esi, %eax",    "\x2b\xc6",         C | A | S, ~0u, 0xfffffffe },
        { "sub $0x1012345, %eax", "\x2d\x45\x23\x01\x01", C | P | S, ~0u, 0xfefedcc0 },
        { "sub %al, %al",      "\x28\xc0",         P | Z, ~0u, 0 },
        { "inc %eax",          "\xff\xc0",         P, ~(u32)C, 6 },
        { "shl $30, %eax",     "\xc1\xe0\x1e",     C | P, ~(u32)(A | O), 1u << 30 },
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(row); i++) {
        g_autoptr(SoftBed) bed = bed_new();
        unsigned n = i / 2;
        u32 mask = row[n].defined & (C | P | A | Z | S | O);

        g_test_message("%s; %s *%%rdx", row[n].name, i % 2 ? "call" : "jmp");
        put_code(bed, row[n].setter, i % 2 ? 0xd2 : 0xe2);
        bed->soft->hot = 1;
        soft_bed_set(bed);
        g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_EXIT);
        g_assert_cmphex(bed->state.regs.gpr[RDI] & mask, ==, row[n].flags & mask);
        /* the exit code has overwritten al */
        g_assert_cmphex(bed->state.regs.gpr[RAX] >> 8, ==, row[n].rax >> 8);
    }
}

/* cmp %esi, %eax; jmp *%rdx: nothing between what sets the flags and the look-up. */
static void test_not_kept(void)
{
    static const u8 host[] = { 0x39, 0xf0, 0x44, 0x8d, 0x3c, 0xd2 };
    g_autoptr(SoftBed) bed = bed_new();
    Block *block;

    soft_bed_put(bed, CODE, "\x39\xf0\xff\xe2", 4);
    soft_bed_set(bed);
    bed->cpu->rip = CODE;
    block = block_find(bed->cpu);
    blocks_heat(bed->cpu, block);
    g_assert_nonnull(block->code);
    g_assert_cmpmem(blocks_jit(bed->soft->blocks)->exec + block->entry, sizeof host,
                    host, sizeof host);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/redo/wanted", test_wanted);
    g_test_add_func("/soft/redo/not-kept", test_not_kept);
    return g_test_run();
}

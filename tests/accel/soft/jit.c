/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator: the very bytes that it emits for one instruction of each class, as
 * the manual's encodings have them (SDM vol. 2A, chapter 2).
 *
 * Guest rsp is host r12, guest r12 is host r13; r14 and r15 are scratch
 * (accel/soft/jit/regs.h).
 */

#include "config.h"
#include "accel/soft/jit/code.h"
#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include "accel/soft/tlb.h"
#include "base/log.h"
#include "tests/lib/soft_bed.h"
#include <glib/gstdio.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { TABLES = 0x1000, CODE = 0x100000, STACK = 0x80000 };

static SoftBed *bed_new(void)
{
    SoftBed *bed = soft_bed_new(1, NULL);

    soft_bed_identity(bed, TABLES);
    bed->state.regs.rip = CODE;
    bed->state.regs.gpr[RSP] = STACK;
    return bed;
}

/* The body of the translation of these bytes, which end in UD2. */
static const u8 *translate(SoftBed *bed, const void *bytes, size_t n)
{
    Block *block;

    soft_bed_put(bed, CODE, bytes, n);
    soft_bed_put(bed, CODE + n, "\x0f\x0b", 2);
    soft_bed_set(bed);
    bed->cpu->rip = CODE;
    block = block_find(bed->cpu);
    blocks_heat(bed->cpu, block);
    g_assert_nonnull(block->code);
    return blocks_jit(bed->soft->blocks)->exec + block->entry;
}

/* Its body where it begins with flags in Cpu.arith: it would save them before use. */
static const u8 *saved_entry(SoftBed *bed)
{
    const Block *block = block_find(bed->cpu);

    return (const u8 *)block->code + block->saved_at;
}

/* ---- copies ---- */

static void test_copy(void)
{
    static const struct {
        const char *name, *guest, *host;
    } row[] = {
        { "add %rbx, %rax",            "\x48\x01\xd8",         "\x48\x01\xd8" },
        { "mov %r12, %rsp",            "\x4c\x89\xe4",         "\x4d\x89\xec" },
        { "shl $5, %ecx",              "\xc1\xe1\x05",         "\xc1\xe1\x05" },
        { "movzbl %ah, %ebx",          "\x0f\xb6\xdc",         "\x0f\xb6\xdc" },
        { "mov %sil, %dil",            "\x40\x88\xf7",         "\x40\x88\xf7" },
        { "lea 8(%rsp,%rax,4), %rdx",  "\x48\x8d\x54\x84\x08", "\x49\x8d\x54\x84\x08" },
        { "bswap %r11",                "\x49\x0f\xcb",         "\x49\x0f\xcb" },
        { "cmovb %rdi, %r12",          "\x4c\x0f\x42\xe7",     "\x4c\x0f\x42\xef" },
        { "sar %cl, %esp",             "\xd3\xfc",             "\x41\xd3\xfc" },
        { "add $0x12345678, %rsp",     "\x48\x81\xc4\x78\x56\x34\x12", "\x49\x81\xc4\x78\x56\x34\x12" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
        g_autoptr(SoftBed) bed = bed_new();
        const u8 *code = translate(bed, row[i].guest, strlen(row[i].guest));

        g_test_message("%s", row[i].name);
        g_assert_cmpmem(code, strlen(row[i].host), row[i].host, strlen(row[i].host));
    }
}

/* ---- memory ---- */

static const u8 *expect(const u8 *code, const char *bytes, size_t n)
{
    g_assert_cmpmem(code, n, bytes, n);
    return code + n;
}
#define EXPECT(code, bytes) expect(code, bytes, sizeof bytes - 1)

static const u8 *expect32(const u8 *code, size_t value)
{
    u32 found;

    memcpy(&found, code, 4);
    g_assert_cmphex(found, ==, value);
    return code + 4;
}

/* The check of the TLB: a hint, which is some entry, has to be the address's. */
static const u8 *expect_check(const u8 *code, unsigned size)
{
    code = EXPECT(code, "\x65\x4c\x33\x34\x25") + 4; /* xor %gs:hint, %r14 */
    code = EXPECT(code, "\x49\x81\xfe"); /* cmp $..., %r14 */
    code = expect32(code, PAGE_BYTES - size);
    code = EXPECT(code, "\x0f\x87") + 4;                                /* ja */
    return EXPECT(code, "\x65\x4c\x8b\x3c\x25") + 4; /* mov %gs:hint, %r15 */
}

static void test_load(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    /* cmp after the load: no flags are needed across it */
    const u8 *code = translate(bed, "\x48\x8b\x43\x08\x39\xc9", 6);

    code = EXPECT(code, "\x4c\x8d\x73\x08"); /* lea 8(%rbx), %r14 */
    code = expect_check(code, 8);
    EXPECT(code, "\x49\x8b\x44\x1f\x08\x39\xc9"); /* mov 8(%r15,%rbx), %rax */
}

/* The stack's hint is that of the MMU mode. */
static void test_push(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    MmuMode mode = MMU_KERNEL;
    const u8 *code = translate(bed, "\x53\x39\xc9", 3);

    code = EXPECT(code, "\x4d\x8d\x74\x24\xf8"); /* lea -8(%r12), %r14 */
    expect32(code + 5, offsetof(Cpu, tlb_hint) + mode * sizeof bed->cpu->tlb_hint[0] +
                           offsetof(TlbHint, write));
    code = expect_check(code, 8);
    code = EXPECT(code, "\x4b\x89\x5c\x27\xf8"); /* mov %rbx, -8(%r15,%r12) */
    EXPECT(code, "\x4d\x8d\x64\x24\xf8\x39\xc9"); /* lea -8(%r12), %r12 */
}

/*
 * Flags that somebody still reads are saved once, and come back where they are read:
 * not between two accesses.
 *      add %rbx, %rax; mov (%rcx), %rdx; mov (%rsi), %rdi; adc $0, %rax
 */
static void test_flags(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(
        bed, "\x48\x01\xd8\x48\x8b\x11\x48\x8b\x3e\x48\x83\xd0\x00", 13);

    code = EXPECT(code, "\x48\x01\xd8");
    /* mov %rax, %r15; lahf; seto %al */
    code = EXPECT(code, "\x4c\x8b\xf8\x9f\x0f\x90\xc0");
    code = EXPECT(code, "\x65\x66\x89\x04\x25"); /* mov %ax, %gs:arith */
    code = expect32(code, offsetof(Cpu, arith));
    code = EXPECT(code, "\x49\x8b\xc7"); /* mov %r15, %rax */
    code = EXPECT(code, "\x4c\x8b\xf1");
    code = expect_check(code, 8);
    code = EXPECT(code, "\x49\x8b\x14\x0f"); /* mov (%r15,%rcx), %rdx */
    code = EXPECT(code, "\x4c\x8b\xf6");
    code = expect_check(code, 8);
    code = EXPECT(code, "\x49\x8b\x3c\x37"); /* mov (%r15,%rsi), %rdi */
    code = EXPECT(code, "\x4c\x8b\xf8"); /* mov %rax, %r15 */
    code = EXPECT(code, "\x65\x0f\xb7\x04\x25"); /* movzwl %gs:arith, %eax */
    code = expect32(code, offsetof(Cpu, arith));
    /* add $0x7f, %al; sahf; mov %r15, %rax */
    code = EXPECT(code, "\x04\x7f\x9e\x49\x8b\xc7");
    EXPECT(code, "\x48\x83\xd0\x00");
}

/*
 * Where flags are saved before they are used, who comes with them in the host's saves
 * them on the way in: mov (%rbx), %rax, and all are alive behind.
 */
static void test_flags_put_away(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x48\x8b\x03", 3);

    /* mov %rax, %r14; lahf; seto %al; mov %ax, %gs:arith */
    code = EXPECT(code, "\x4c\x8b\xf0\x9f\x0f\x90\xc0\x65\x66\x89\x04\x25");
    code = expect32(code, offsetof(Cpu, arith));
    code = EXPECT(code, "\x49\x8b\xc6\xe9"); /* mov %r14, %rax; jmp */
    code += 4 + (s32)((u32)code[0] | code[1] << 8 | code[2] << 16 | (u32)code[3] << 24);
    EXPECT(code, "\x4c\x8b\xf3\x65\x4c\x33\x34\x25"); /* mov %rbx, %r14; xor */
}

/*
 * A hint is only that.  An entry that was made slow must not let through the page
 * beside it, nor an address that is no canonical one: the host's access traps, and the
 * interpreter raises what is to be raised.
 */
static int run_translation(Cpu *cpu, gva rbx)
{
    cpu->gpr[RBX] = rbx;
    cpu->rip = CODE;
    atomic_store(&cpu->request, 0);
    jit_begin(cpu);
    return CAUGHT(cpu, jit_enter(cpu, block_find(cpu)));
}

static void test_hint(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    enum { DATA = 0x200000 };
    Cpu *cpu = bed->cpu;
    TlbHint *hint;

    soft_bed_put64(bed, DATA, 0x1111);
    soft_bed_put64(bed, DATA + PAGE_BYTES, 0x2222);
    translate(bed, "\x48\x8b\x03", 3); /* mov (%rbx), %rax; ud2 */
    for (unsigned i = 0; i < 2; i++) { /* fills the entry, and the hint */
        g_assert_cmpint(run_translation(bed->cpu, DATA), ==, EXC_UD);
        g_assert_cmphex(bed->cpu->gpr[RAX], ==, 0x1111);
    }
    hint = (TlbHint *)((u8 *)cpu +
                       cpu->tlb_hints_of[tlb_number(cpu, DATA, MMU_KERNEL)]);
    g_assert_cmphex(hint->read, ==, DATA);
    hint->read = tlb_slow(DATA);
    g_assert_cmpint(run_translation(bed->cpu, DATA + PAGE_BYTES), ==, EXC_UD);
    g_assert_cmphex(bed->cpu->gpr[RAX], ==, 0x2222);
    hint->read = tlb_slow(DATA + PAGE_BYTES);
    g_assert_cmpint(run_translation(bed->cpu, hint->read & PAGE_MASK), ==, EXC_GP);
}

/*
 * What a mode may do with a page is in its own entry: no hint of user code leads to one
 * of the kernel's, however many places there are.
 */
static void test_hints_by_mode(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    Cpu *cpu = bed->cpu;
    enum { DATA = 0x200000 };

    soft_bed_put64(bed, TABLES + 0x2000 + 8, DATA | 0x83);      /* the kernel's alone */
    translate(bed, "\x48\x8b\x03", 3); /* mov (%rbx), %rax; ud2 */
    g_assert_cmpint(run_translation(cpu, DATA), ==, EXC_UD);    /* fills the entry */
    g_assert_cmpint(run_translation(cpu, DATA), ==, EXC_UD);    /* and the hint */
    cpu->cpl = 3;
    cpu_mode_changed(cpu);
    for (unsigned i = 0; i < TLB_HINTS; i++) {
        blocks_page_written(bed->soft->blocks, CODE >> PAGE_SHIFT);
        cpu->rip = CODE;
        blocks_heat(cpu, block_find(cpu));
        g_assert_cmpint(run_translation(cpu, DATA), ==, EXC_PF);
    }
}

/* ---- branches ---- */

/*
 * The distances of jumps that are linked are aligned, so that they change at once: by
 * prefixes (cs), because a NOP would part CMP and its jump.
 */
static void test_branch(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x39\xc9\x74\x10", 4);

    code = EXPECT(code, "\x39\xc9");
    while (*code == 0x2e) {
        code++;
    }
    code = EXPECT(code, "\x0f\x84");                                    /* jz */
    g_assert_cmpuint((uintptr_t)code % 4, ==, 0);
    code += 4;
    while (*code == 0x2e) {
        code++;
    }
    g_assert_cmphex(*code, ==, 0xe9);
    g_assert_cmpuint((uintptr_t)(code + 1) % 4, ==, 0);
}

/* ---- calls and returns ---- */

static void run_to_halt(SoftBed *bed)
{
    bed->soft->hot = 1;
    soft_bed_set(bed);
    g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_EXIT);
}

/* A guest's call within its page is a call of the host, whose distance is aligned. */
static void test_guest_call(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code;

    translate(bed, "\xe8\x10\x00\x00\x00", 5);
    code = saved_entry(bed);
    while (memcmp(code, "\x65\x48\x3b\x24\x25", 5)) { /* cmp %gs:return_limit, %rsp */
        code++;
    }
    code = expect32(code + 5, offsetof(Cpu, return_limit));
    code = EXPECT(code, "\x0f\x82") + 4;                                /* jb */
    code = EXPECT(code, "\x41\x56"); /* push %r14: where the guest comes back */
    while (*code != 0xe8) {
        code++;
    }
    /* not known to overwrite flags there, so they are wanted in the host's */
    g_assert_cmpuint((uintptr_t)(code + 5) % 8, ==, LANDING_WANTS);
    /* pop %r14; lea -5(%r14), %r14 */
    EXPECT(code + 5, "\x41\x5e\x4d\x8d\x76\xfb");
}

/* One check for several, and one move of rsp: push %rbx; push %rbp; cmp %ecx, %ecx */
static void test_push_run(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x53\x55\x39\xc9", 4);

    code = EXPECT(code, "\x4d\x8d\x74\x24\xf0"); /* lea -16(%r12), %r14 */
    code = expect_check(code, 16);
    code = EXPECT(code, "\x4b\x89\x5c\x27\xf8"); /* mov %rbx, -8(%r15,%r12) */
    code = EXPECT(code, "\x4b\x89\x6c\x27\xf0"); /* mov %rbp, -16(%r15,%r12) */
    EXPECT(code, "\x4d\x8d\x64\x24\xf0\x39\xc9"); /* lea -16(%r12), %r12 */
}

/* The same with a call at its end: mov (%rsp), %rbx; call *%rax */
static void test_call_in_window(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code;

    translate(bed, "\x48\x8b\x1c\x24\xff\xd0", 6);
    code = EXPECT(saved_entry(bed), "\x4d\x8d\x74\x24\xf8"); /* lea -8(%r12), %r14 */
    code = expect_check(code, 16);
    code = EXPECT(code, "\x4b\x8b\x1c\x27"); /* mov (%r15,%r12), %rbx */
    code = EXPECT(code, "\x65\x4c\x8b\x34\x25"); /* mov %gs:code_page, %r14 */
    code = expect32(code, offsetof(Cpu, code_page));
    code = EXPECT(code, "\x4d\x8d\x76\x06"); /* lea 6(%r14), %r14 */
    code = EXPECT(code, "\x4f\x89\x74\x27\xf8"); /* mov %r14, -8(%r15,%r12) */
    EXPECT(code, "\x4d\x8d\x64\x24\xf8"); /* lea -8(%r12), %r12 */
}

/* Runs across a page boundary, at each place; behind POP a return that takes more. */
static void test_runs_across_pages(void)
{
    static const u8 code[] = {
        0xe8, 0x08, 0, 0, 0,                            /* call 1f */
        0xff, 0xca, 0x75, 0xf7,                         /* dec %edx; jnz */
        0xe6, BED_EXIT_PORT, 0xeb, 0xfe,                /* out %al, $port; jmp . */
        0x53, 0x55, 0x41, 0x57, 0x41, 0x54, /* 1: push %rbx %rbp %r15 %r12 */
        0x48, 0x31, 0xdb, 0x31, 0xed, /* xor %rbx, %rbx; xor %ebp, %ebp */
        0x4d, 0x31, 0xff, 0x4d, 0x31, 0xe4, /* xor %r15, %r15; xor %r12, %r12 */
        0x41, 0x5c, 0x41, 0x5f, 0x5d, 0x5b,             /* pop %r12 %r15 %rbp %rbx */
        0xc3,
    };

    for (unsigned offset = 0; offset <= 6 * 8; offset += 4) {
        g_autoptr(SoftBed) bed = bed_new();
        u64 *gpr = bed->state.regs.gpr;

        soft_bed_put(bed, CODE, code, sizeof code);
        gpr[RSP] = STACK + offset;
        gpr[RDX] = 5;
        gpr[RBX] = 0xb0b;
        gpr[RBP] = 0xbeb;
        gpr[R15] = 0x151515;
        gpr[R12] = 0x121212;
        run_to_halt(bed);
        g_assert_cmphex(gpr[RSP], ==, STACK + offset);
        g_assert_cmphex(gpr[RBX], ==, 0xb0b);
        g_assert_cmphex(gpr[RBP], ==, 0xbeb);
        g_assert_cmphex(gpr[R15], ==, 0x151515);
        g_assert_cmphex(gpr[R12], ==, 0x121212);
    }
}

/* ---- windows: one check for what lies beside a pointer ---- */

/* mov (%rdi), %rax; add %rax, %rcx; mov %rcx, 8(%rdi) */
static void test_window(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x48\x8b\x07\x48\x01\xc1\x48\x89\x4f\x08", 10);

    code = EXPECT(code, "\x4c\x8b\xf7");                        /* mov %rdi, %r14 */
    code = expect_check(code, 16);
    code = EXPECT(code, "\x49\x8b\x04\x3f\x48\x01\xc1");
    EXPECT(code, "\x49\x89\x4c\x3f\x08");
}

#define GUEST(name, text)                 \
    extern const u8 name[], name##_end[]; \
    asm(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection\n")

GUEST(beside,
      "0: mov (%rsi), %rax\n"
      "add 8(%rsi), %rax\n"
      "mov %rax, 16(%rsi)\n"
      "mov 24(%r13), %ebx\n"
      "adc $3, %rbx\n"
      "mov %rbx, 16(%r13)\n"
      "movsd (%rsi,%rdi,8), %xmm0\n"
      "addsd 8(%rsi,%rdi,8), %xmm0\n"
      "movsd %xmm0, 16(%rsi,%rdi,8)\n"
      "mov %rsi, %rcx\n"
      "mov 56(%rcx), %rcx\n"
      "mov (%rcx), %rbp\n"
      "add %rbp, 64(%rsi)\n"
      "dec %edx\n"
      "jnz 0b\n"
      "out %al, $0xf4\n"
      "1: jmp 1b\n");

/* What `beside` does, on the words at rsi; r13 is one word on, rdi is 3. */
static void do_beside(u64 *word, unsigned turns)
{
    union {
        u64 bits;
        double value;
    } a, b;

    while (turns-- > 0) {
        bool carry = __builtin_add_overflow(word[0], word[1], &word[2]);

        word[3] = (u32)word[4] + 3 + carry;
        a.bits = word[3];
        b.bits = word[4];
        a.value += b.value;
        word[5] = a.bits;
        word[8] += word[0];
    }
}

/* Nine words across two pages, cut at each place. */
static void test_windows_across_pages(void)
{
    enum { EDGE = 0x300000, TURNS = 7 };

    for (unsigned before = 0; before <= 72; before += 4) {
        g_autoptr(SoftBed) bed = bed_new();
        u64 word[9] = { 0xfffffffffffffff0, 0x111, 2, 3, 0x4010000000000000, 5, 6 };
        u64 *gpr = bed->state.regs.gpr, at = EDGE - before;

        word[7] = at;
        bed->state.control.cr4 |= CR4_OSFXSR;
        soft_bed_put(bed, CODE, beside, beside_end - beside);
        soft_bed_put(bed, at, word, sizeof word);
        gpr[RSI] = at;
        gpr[R13] = at + 8;
        gpr[RDI] = 3;
        gpr[RDX] = TURNS;
        run_to_halt(bed);
        do_beside(word, TURNS);
        for (unsigned i = 0; i < G_N_ELEMENTS(word); i++) {
            g_assert_cmphex(soft_bed_get64(bed, at + 8 * i), ==, word[i]);
        }
    }
}

/* mov (%rsi), %rbp; lock cmpxchg16b (%rsi), aligned and not: no window for both */
static void test_cmpxchg16b(void)
{
    static const u8 code[] = { 0x48, 0x8b, 0x2e, 0xf0, 0x48, 0x0f, 0xc7, 0x0e };

    for (unsigned offset = 0; offset <= 8; offset += 8) {
        g_autoptr(SoftBed) bed = bed_new();
        u64 *gpr = bed->cpu->gpr;
        gva at = 0x200000 + offset;

        translate(bed, code, sizeof code);
        for (unsigned turn = 0; turn < 3; turn++) {
            soft_bed_put64(bed, at, 0x11);
            soft_bed_put64(bed, at + 8, 0x22);
            gpr[RAX] = 0x11;
            gpr[RDX] = turn == 2 ? 0x23 : 0x22;
            gpr[RCX] = 0x44;
            gpr[RSI] = at;
            g_assert_cmpint(run_translation(bed->cpu, 0x33), ==,
                            offset ? EXC_GP : EXC_UD);
            g_assert_cmphex(soft_bed_get64(bed, at), ==,
                            offset || turn == 2 ? 0x11 : 0x33);
            g_assert_cmphex(soft_bed_get64(bed, at + 8), ==,
                            offset || turn == 2 ? 0x22 : 0x44);
            g_assert_cmphex(gpr[RBP], ==, 0x11);
            g_assert_cmphex(gpr[RDX], ==, turn == 2 && offset ? 0x23 : 0x22);
        }
    }
}

/* ---- what is shown ---- */

/* xor %eax, %eax; cpuid; dec %ebx; jnz; out */
static void run_cpuid(SoftBed *bed, unsigned turns)
{
    static const u8 code[] = { 0x31, 0xc0, 0x31, 0xc9, 0x0f, 0xa2,    0xff, 0xcd,
                               0x75, 0xf6, 0xe6, BED_EXIT_PORT, 0xeb, 0xfe };

    soft_bed_put(bed, CODE, code, sizeof code);
    bed->state.regs.gpr[RBP] = turns;
    run_to_halt(bed);
}

static char *info_jit(SoftBed *bed)
{
    GString *text = g_string_new(NULL);

    accel_soft.print_jit(&bed->soft->accel, text);
    return g_string_free(text, FALSE);
}

static void test_info(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    g_autofree char *before = info_jit(bed), *after = NULL;

    g_assert_nonnull(strstr(before, "interpreted for it: 0\n"));
    g_assert_nonnull(strstr(before, "translations: 0 blocks"));
    run_cpuid(bed, 50);
    after = info_jit(bed);
    g_test_message("%s", after);
    g_assert_nonnull(strstr(after, ": cpuid 50"));
    g_assert_null(strstr(after, "links: 0 made"));
}

/* What the log has of it with these items. */
static char *log_of(const char *items)
{
    g_autofree char *path = g_strdup("/tmp/mayfly-log-XXXXXX");
    g_autoptr(SoftBed) bed = bed_new();
    int fd = g_mkstemp(path);
    char *text = NULL;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(log_set_file(path, NULL) && log_set(items, NULL));
    run_cpuid(bed, 5);
    g_assert_true(log_set("none", NULL));
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    return text;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what))) {
        text++;
        n++;
    }
    return n;
}

static void test_logs(void)
{
    g_autofree char *in = log_of("in_asm"), *op = log_of("op"),
                    *out = log_of("out_asm"), *exec = log_of("exec");

    g_assert_nonnull(strstr(in, "block at 0x100000, mode"));
    g_assert_nonnull(strstr(in, "0x000000100004  0f a2 "));
    g_assert_nonnull(strstr(op, "+0x004 cpuid "));
    g_assert_nonnull(strstr(out, "translation of block at 0x100000, mode"));
    g_assert_nonnull(strstr(out, "\n 0x100004 cpuid\n"));
    g_assert_nonnull(strstr(out, "\n behind\n"));
    /* each of the loop's turns, though it is hot */
    g_assert_cmpuint(count_of(exec, "0x0000000000100000: block at 0x100000"), ==, 5);
#ifdef CONFIG_ZYDIS
    g_assert_nonnull(strstr(in, " cpuid\n"));
    g_assert_nonnull(strstr(out, " xor %eax, %eax\n"));
    g_assert_nonnull(strstr(out, "%gs:"));
#endif
}

/*
 * A call reads where it goes before it pushes, even if that is the same place, and goes
 * there though the jump cache does not know it.  At first the stack is not in the TLB,
 * for reading and for writing, and the interpreter does it.
 */
static void test_call_overlap(void)
{
    static const struct {
        u64 target;
        int vector;
    } row[] = {
        { CODE + 0x2100, -1 }, { CODE + 0x3300, -1 }, { CODE + 0x2500, -1 },
        { 0x8000000000000000, EXC_GP }, { 0x0000800000000000, EXC_GP },
    };
    g_autoptr(SoftBed) bed = bed_new();
    u64 *gpr = bed->cpu->gpr;

    translate(bed, "\xff\x54\x24\xf8", 4); /* call *-8(%rsp) */
    for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
        gpr[RSP] = STACK;
        soft_bed_put64(bed, STACK - 8, row[i].target);
        g_assert_cmpint(run_translation(bed->cpu, 0), ==, row[i].vector);
        g_assert_cmphex(gpr[RSP], ==, row[i].vector < 0 ? STACK - 8 : STACK);
        if (row[i].vector < 0) {
            g_assert_cmphex(bed->cpu->rip, ==, row[i].target);
            g_assert_cmphex(soft_bed_get64(bed, STACK - 8), ==, CODE + 4);
        }
    }
}

/* Returns only where the call that was kept last would; flags, if they are wanted. */
static void test_guest_return(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code;

    translate(bed, "\xc3", 1);
    code = saved_entry(bed);
    while (memcmp(code, "\x4d\x8d\x64\x24\x08", 5)) { /* lea 8(%r12), %r12 */
        code++;
    }
    /* cmp 8(%rsp), %r14; jnz */
    code = EXPECT(code + 5, "\x4c\x3b\x74\x24\x08\x0f\x85") + 4;
    /* testb $4, (%rsp); jnz */
    code = EXPECT(code, "\xf6\x04\x24\x04\x0f\x85") + 4;
    EXPECT(code, "\xc3");
}

/* Behind pop %rbx all is looked at before flags are set: add %rcx, %rax; ret */
static void test_early_return(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x5b\x48\x01\xc8\xc3", 5);

    code = EXPECT(code, "\x4d\x8b\xf4"); /* mov %r12, %r14 */
    code = expect_check(code, 16);
    code = EXPECT(code, "\x4f\x8b\x74\x27\x08"); /* mov 8(%r15,%r12), %r14 */
    code = EXPECT(code, "\x4c\x3b\x74\x24\x08\x0f\x85") + 4;
    code = EXPECT(code, "\x4b\x8b\x1c\x27\x48\x01\xc8"); /* mov (%r15,%r12), %rbx */
    EXPECT(code, "\x4d\x8d\x64\x24\x10\xc3"); /* lea 16(%r12), %r12; ret */
}

/* A function that reads the flags of its caller, and one that its caller reads from. */
static void test_flags_across_calls(void)
{
    static const u8 code[] = {
        0x31, 0xdb, 0x31, 0xf6,                 /* xor %ebx, %ebx; xor %esi, %esi */
        0xb9, 0x1d, 0, 0, 0,                    /* mov $29, %ecx */
        0x0f, 0xba, 0xe1, 0x00,                 /* 1: bt $0, %ecx */
        0xe8, 0x0d, 0, 0, 0,                    /* call 2f */
        0x83, 0xd6, 0x00,                       /* adc $0, %esi */
        0xff, 0xc9, 0x75, 0xf0,                 /* dec %ecx; jnz 1b */
        0xb0, 0x05, 0xe6, BED_EXIT_PORT, 0xeb, 0xfe, /* mov $5; out; jmp . */
        0x55,                                   /* 2: push %rbp */
        0x83, 0xd3, 0x00,                       /* adc $0, %ebx */
        0x0f, 0xba, 0xe1, 0x01,                 /* bt $1, %ecx */
        0x5d, 0xc3,                             /* pop %rbp; ret */
    };
    g_autoptr(SoftBed) bed = bed_new();

    soft_bed_put(bed, CODE, code, sizeof code);
    run_to_halt(bed);
    g_assert_cmpuint(bed->state.regs.gpr[RBX], ==, 15);
    g_assert_cmpuint(bed->state.regs.gpr[RSI], ==, 14);
}

/*
 * Where a call comes back flags are dead: then a function makes that code read them,
 * and comes back there.
 */
static void test_flags_needed_after_all(void)
{
    static const u8 code[] = {
        0x31, 0xdb,                             /* xor %ebx, %ebx */
        0xb9, 0x20, 0, 0, 0,                    /* mov $32, %ecx */
        0xe8, 0x0d, 0, 0, 0,                    /* 1: call 2f */
        0x83, 0xc3, 0x00,                       /* add $0, %ebx: becomes adc */
        0xff, 0xc9, 0x75, 0xf4,                 /* dec %ecx; jnz 1b */
        0xb0, 0x05, 0xe6, BED_EXIT_PORT, 0xeb, 0xfe, /* mov $5; out; jmp . */
        0x83, 0xf9, 0x04, 0x77, 0x07,           /* 2: cmp $4, %ecx; ja 3f */
        0xc6, 0x05, 0xe8, 0xff, 0xff, 0xff, 0xd3, /* movb $0xd3, 1 behind the call */
        0xf9, 0xc3,                             /* 3: stc; ret */
    };
    g_autoptr(SoftBed) bed = bed_new();

    soft_bed_put(bed, CODE, code, sizeof code);
    run_to_halt(bed);
    g_assert_cmpuint(bed->state.regs.gpr[RBX], ==, 4);
}

/*
 * A call that is the last of its page: its return goes on in the next page, and does
 * not call again.  And more calls than are kept, none of which returns in the order of
 * the host's stack.
 */
static void test_returns(void)
{
    enum { DEEP = 10000, FUNCTION = CODE + 2 * PAGE_BYTES };
    g_autoptr(SoftBed) bed = bed_new();
    static const u8 recurse[] = {
        0x48, 0xff, 0xc3,                       /* inc %rbx */
        0x48, 0x81, 0xfb, 0x10, 0x27, 0, 0,     /* cmp $10000, %rbx */
        0x73, 0x05,                             /* jae 1f */
        0xe8, 0xef, 0xff, 0xff, 0xff,           /* call recurse */
        0x48, 0xff, 0xc1,                       /* 1: inc %rcx */
        0xc3,
    };
    /* mov $5, %al; out %al, $port; jmp . */
    static const u8 end[] = { 0xb0, 0x05, 0xe6, BED_EXIT_PORT, 0xeb, 0xfe };
    s32 distance = FUNCTION - (CODE + PAGE_BYTES);

    /* Three times, so that all of it is translated and linked. */
    soft_bed_put(bed, CODE + PAGE_BYTES - 5, "\xe8", 1);
    soft_bed_put(bed, CODE + PAGE_BYTES - 4, &distance, 4);
    /* xor %rbx, %rbx; dec %edx; jnz call */
    soft_bed_put(bed, CODE + PAGE_BYTES, "\x48\x31\xdb\xff\xca\x75\xf2", 7);
    soft_bed_put(bed, CODE + PAGE_BYTES + 7, end, sizeof end);
    soft_bed_put(bed, FUNCTION, recurse, sizeof recurse);
    bed->state.regs.rip = CODE + PAGE_BYTES - 5;
    bed->state.regs.gpr[RDX] = 3;
    run_to_halt(bed);
    g_assert_cmpuint(bed->cpu->gpr[RCX], ==, 3 * DEEP);
    g_assert_cmphex(bed->cpu->gpr[RSP], ==, STACK);
}

/* ---- the interpreter's: Insn in r14, Block in r15, then the stub ---- */

static void test_call(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const u8 *code = translate(bed, "\x0f\xa2", 2);                     /* cpuid */

    code = EXPECT(code, "\x4c\x8d\x35") + 4; /* lea Insn(%rip), %r14 */
    code = EXPECT(code, "\x4c\x8d\x3d") + 4; /* lea Block(%rip), %r15 */
    EXPECT(code, "\xe8");
}

/* Code memory is never writable and executable at one address. */
static void test_rights(void)
{
    g_autoptr(SoftBed) bed = bed_new();
    const Jit *jit = blocks_jit(bed->soft->blocks);
    g_autofree char *maps = NULL;
    g_auto(GStrv) line = NULL;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    line = g_strsplit(maps, "\n", -1);
    for (unsigned i = 0; line[i]; i++) {
        g_assert_null(strstr(line[i], "rwx"));
    }
    g_assert_true(jit->write != jit->exec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/jit/copy", test_copy);
    g_test_add_func("/soft/jit/load", test_load);
    g_test_add_func("/soft/jit/push", test_push);
    g_test_add_func("/soft/jit/flags", test_flags);
    g_test_add_func("/soft/jit/flags-put-away", test_flags_put_away);
    g_test_add_func("/soft/jit/hint", test_hint);
    g_test_add_func("/soft/jit/hints-by-mode", test_hints_by_mode);
    g_test_add_func("/soft/jit/branch", test_branch);
    g_test_add_func("/soft/jit/guest-call", test_guest_call);
    g_test_add_func("/soft/jit/push-run", test_push_run);
    g_test_add_func("/soft/jit/call-in-window", test_call_in_window);
    g_test_add_func("/soft/jit/runs-across-pages", test_runs_across_pages);
    g_test_add_func("/soft/jit/window", test_window);
    g_test_add_func("/soft/jit/windows-across-pages", test_windows_across_pages);
    g_test_add_func("/soft/jit/cmpxchg16b", test_cmpxchg16b);
    g_test_add_func("/soft/jit/info", test_info);
    g_test_add_func("/soft/jit/logs", test_logs);
    g_test_add_func("/soft/jit/call-overlap", test_call_overlap);
    g_test_add_func("/soft/jit/guest-return", test_guest_return);
    g_test_add_func("/soft/jit/returns", test_returns);
    g_test_add_func("/soft/jit/early-return", test_early_return);
    g_test_add_func("/soft/jit/flags-across-calls", test_flags_across_calls);
    g_test_add_func("/soft/jit/flags-needed-after-all", test_flags_needed_after_all);
    g_test_add_func("/soft/jit/call", test_call);
    g_test_add_func("/soft/jit/rights", test_rights);
    return g_test_run();
}

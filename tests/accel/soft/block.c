/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache and the run loop, seen from the guest: code that changes under its
 * own feet, beside its data, by a device or by another vCPU; instructions across pages;
 * a cache that is too small; single steps and repeated instructions; locked operations
 * by two vCPUs.
 */

#include "accel/soft/block_tables.h"
#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include "tests/lib/soft_bed.h"
#include <stdio.h>

enum {
    TABLES = 0x1000, HANDLERS = 0x8000, IDT = 0x9000, GDT = 0xa000, DATA = 0x40000,
    CODE = 0x100000,
};
enum { SECOND_CODE = 0x200000, STACK = 0x80000, SECOND_STACK = 0x90000 };

/*
 * Guest code, loaded somewhere else than it was linked for: it must refer to itself by
 * rip only.
 */
#define GUEST(name, text)                 \
    extern const u8 name[], name##_end[]; \
    asm(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection\n")

#define EXIT "\n\tout %al, $0xf4\n\thlt\n"

/* All 16 MiB at their own addresses, in large pages. */
static void map_all(SoftBed *bed)
{
    soft_bed_put64(bed, TABLES, (TABLES + 0x1000) | 7);
    soft_bed_put64(bed, TABLES + 0x1000, (TABLES + 0x2000) | 7);
    for (unsigned i = 0; i < BED_RAM >> 21; i++) {
        soft_bed_put64(bed, TABLES + 0x2000 + i * 8, (u64)i << 21 | 0x87);
    }
}

static void put_code(SoftBed *bed, gpa at, const u8 *from, const u8 *end)
{
    soft_bed_put(bed, at, from, end - from);
}

#define PUT(bed, at, name) put_code(bed, at, name, name##_end)

static u16 hot;                     /* for Soft.hot; 0: nothing is translated */

static SoftBed *bed_new(unsigned cpus)
{
    SoftBed *bed = soft_bed_new(cpus, NULL);

    bed->soft->hot = hot;
    map_all(bed);
    soft_bed_long_mode(bed, TABLES);
    bed->state.regs.rip = CODE;
    bed->state.regs.gpr[RSP] = STACK;
    return bed;
}

static u64 run(SoftBed *bed)
{
    soft_bed_set(bed);
    g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_EXIT);
    return bed->state.regs.gpr[RAX];
}

typedef struct {
    u64 made, dropped, flushed;
} Counts;

/* As "info jit" has them. */
static Counts counts(SoftBed *bed)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned long made, dropped, flushed;
    const char *line;

    blocks_print(bed->soft->blocks, text);
    line = strstr(text->str, "blocks: ");
    g_assert_nonnull(line);
    g_assert_cmpint(sscanf(line, "blocks: %lu made, %lu dropped; emptied %lu times",
                           &made, &dropped, &flushed),
                    ==, 3);
    return (Counts){ made, dropped, flushed };
}

/* ---- code that changes ---- */

/* SDM vol. 3, 12.6: the next instruction of the same block is seen changed. */
GUEST(patch_next,
      "movb $0x55, 1f+1(%rip)\n"
      "1: mov $0x11, %eax" EXIT);

static void test_patch_next(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);

    PUT(bed, CODE, patch_next);
    g_assert_cmphex(run(bed), ==, 0x55);
}

/* A function is changed and called, again and again: rax sums what it returned. */
GUEST(patch_often,
      "xor %ebx, %ebx\n"
      "mov $1000, %ecx\n"
      "0: mov %ecx, 2f+1(%rip)\n"
      "call 2f\n"
      "add %rax, %rbx\n"
      "dec %ecx\n"
      "jnz 0b\n"
      "mov %rbx, %rax" EXIT
      "2: mov $0, %eax\n"
      "ret\n");

static void test_patch_often(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);

    PUT(bed, CODE, patch_often);
    g_assert_cmpuint(run(bed), ==, 1000 * 1001 / 2);
    g_assert_cmpuint(counts(bed).dropped, >=, 999);
}

/*
 * A loop with a branch that is not taken is translated as one; then what lies behind
 * the branch changes.
 */
GUEST(patch_behind,
      "mov $100, %ecx\n"
      "xor %eax, %eax\n"
      "0: test %ecx, %ecx\n"
      "jz 3f\n"
      "1: add $1, %eax\n"
      "dec %ecx\n"
      "jnz 0b\n"
      "cmpb $2, 1b+2(%rip)\n"
      "je 3f\n"
      "movb $2, 1b+2(%rip)\n"
      "mov $100, %ecx\n"
      "jmp 0b\n"
      "3:" EXIT);

static void test_patch_behind(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);
    g_autoptr(GString) text = g_string_new(NULL);

    bed->soft->hot *= 8;                /* so that it has seen the branch */
    PUT(bed, CODE, patch_behind);
    g_assert_cmpuint(run(bed), ==, 100 + 200);
    blocks_print(bed->soft->blocks, text);
    if (hot) {
        g_assert_null(strstr(text->str, "; 0 made longer"));
    }
}

/*
 * The same bytes by way of a repeated string instruction, over the code that does it.
 */
GUEST(patch_string,
      "lea 1f(%rip), %rdi\n"
      "mov $0x40, %ecx\n"
      "mov $0x90, %al\n"
      "cld\n"
      "rep stosb\n"
      "1: .fill 0x40, 1, 0xf4\n"
      "mov $7, %eax" EXIT);

static void test_patch_string(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);

    PUT(bed, CODE, patch_string);
    g_assert_cmpuint(run(bed), ==, 7);
}

/* Data beside code: the counter is in the page, but in no block. */
GUEST(data_beside,
      "mov $5000, %ecx\n"
      "0: incq 1f(%rip)\n"
      "dec %ecx\n"
      "jnz 0b\n"
      "mov 1f(%rip), %rax" EXIT
      ".balign 64\n"
      "1: .quad 0\n");

static void test_data_beside(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);

    PUT(bed, CODE, data_beside);
    g_assert_cmpuint(run(bed), ==, 5000);
    g_assert_cmpuint(counts(bed).dropped, ==, 0);
    g_assert_cmpuint(counts(bed).made, <, 10);
}

/* A device's write is noticed as the guest's own is. */
GUEST(return_one, "mov $1, %eax" EXIT);
GUEST(return_two, "mov $2, %eax" EXIT);

static void test_device(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);

    PUT(bed, CODE, return_one);
    g_assert_cmpuint(run(bed), ==, 1);
    PUT(bed, CODE, return_two);
    bed->state.regs.rip = CODE;
    bed->state.events.run_state = RUN_RUNNING;
    g_assert_cmpuint(run(bed), ==, 2);
}

/* ---- pages ---- */

/* MOV EAX, imm32 lies across two pages; then the part in the second one changes. */
GUEST(cross,
      "mov $3, %ecx\n"
      "xor %ebx, %ebx\n"
      "jmp 1f\n"
      ".org cross + 4092, 0x90\n"
      "2: nop\n"
      "1: mov $0x11223344, %eax\n"
      "add %rax, %rbx\n"
      "incb 1b+4(%rip)\n"
      "dec %ecx\n"
      "jnz 2b\n"
      "mov %rbx, %rax" EXIT);

static void test_cross(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);
    u64 sum = 0x11223344ull + 0x12223344 + 0x13223344;

    PUT(bed, CODE, cross);
    g_assert_cmphex(run(bed), ==, sum);
}

/*
 * The fault of an instruction whose second page is not there names that page; there is
 * no IDT, so it ends in shutdown.
 */
static void test_cross_fault(void)
{
    /* mov $imm32, %eax: three bytes are missing */
    static const u8 mov[] = { 0xb8, 0x01 };
    g_autoptr(SoftBed) bed = bed_new(1);
    gpa end = 2 << 20;

    soft_bed_put64(bed, TABLES + 0x2000 + 8, 0);
    soft_bed_put(bed, end - 2, mov, 2);
    bed->state.regs.rip = end - 2;
    bed->state.segs.idt_limit = 0;
    soft_bed_set(bed);
    g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_RESET);
    g_assert_cmphex(bed->state.control.cr2, ==, end);
    g_assert_cmphex(bed->state.regs.rip, ==, end - 2);
}

/* ---- a cache that is too small ---- */

/* Calls a RET in each of 16384 places. */
GUEST(many_blocks,
      "mov $16384, %ecx\n"
      "mov $0x400000, %edi\n"
      "xor %eax, %eax\n"
      "0: call *%rdi\n"
      "add $64, %rdi\n"
      "inc %eax\n"
      "dec %ecx\n"
      "jnz 0b" EXIT);

static void test_small_cache(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);
    u8 ret = 0xc3;

    blocks_free(bed->soft->blocks);
    bed->soft->blocks = blocks_new(bed->soft, MiB, NULL);
    PUT(bed, CODE, many_blocks);
    for (unsigned i = 0; i < 16384; i++) {
        soft_bed_put(bed, 0x400000 + i * 64, &ret, 1);
    }
    g_assert_cmpuint(run(bed), ==, 16384);
    g_assert_cmpuint(counts(bed).flushed, >=, 1);
}

/* More blocks than the first table has slots: each is found again, and dropped. */
static void test_many(void)
{
    enum { FIRST = 0x400000, BLOCKS = 3 << HASH_FIRST_BITS };
    g_autoptr(SoftBed) bed = bed_new(1);
    g_autofree Block **block = g_new0(Block *, BLOCKS);
    g_autofree u8 *rets = g_malloc(BLOCKS);
    Cpu *cpu = bed->cpu;

    memset(rets, 0xc3, BLOCKS);
    soft_bed_put(bed, FIRST, rets, BLOCKS);
    soft_bed_set(bed);
    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            cpu->rip = FIRST + i;
            g_assert_true(!block[i] || block_find(cpu) == block[i]);
            block[i] = block_find(cpu);
            g_assert_cmphex(block[i]->at, ==, FIRST + i);
        }
    }
    g_assert_cmpuint(counts(bed).made, ==, BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        cpu_store8(cpu, FIRST + i, 0xf4);
        g_assert_false(block_valid(block[i]));
    }
    g_assert_cmpuint(counts(bed).dropped, ==, BLOCKS);
}

/* ---- single steps ---- */

/* #DB counts in [DATA], breaks go to the exit. */
GUEST(count_steps, "incq 0x40000\niretq\n");

static void put_gate(SoftBed *bed, unsigned vector, u64 to)
{
    soft_bed_put64(bed, IDT + vector * 16, (to & 0xffff) | 8 << 16 | 0x8e00ull << 32 |
                   (to >> 16) << 48);
    soft_bed_put64(bed, IDT + vector * 16 + 8, to >> 32);
}

static void catch_steps(SoftBed *bed)
{
    soft_bed_put64(bed, GDT + 8, 0x00af9b000000ffff);       /* code, 64 bits */
    soft_bed_put64(bed, GDT + 16, 0x00cf93000000ffff);
    bed->state.segs.gdt_base = GDT;
    bed->state.segs.gdt_limit = 23;
    bed->state.segs.idt_base = IDT;
    bed->state.segs.idt_limit = 0xfff;
    put_gate(bed, EXC_DB, HANDLERS);
    PUT(bed, HANDLERS, count_steps);
}

/*
 * TF works from the instruction after POPF on; a repeated one traps after each element.
 */
GUEST(stepped,
      "pushf\n"
      "orl $0x100, (%rsp)\n"
      "popf\n"
      "nop\n"                           /* 1 */
      "mov $0x50000, %edi\n"            /* 2 */
      "mov $5, %ecx\n"                  /* 3 */
      "rep stosb\n"                     /* 8 */
      "jmp 1f\n"                        /* 9 */
      "1: pushf\n"                      /* 10 */
      "andl $~0x100, (%rsp)\n"          /* 11 */
      "popf\n"                          /* 12: TF was set before it; see run.c */
      "nop\n"
      "mov 0x40000, %rax" EXIT);

static void test_steps(void)
{
    g_autoptr(SoftBed) bed = bed_new(1);
    u64 steps;

    catch_steps(bed);
    PUT(bed, CODE, stepped);
    steps = run(bed);
    g_assert_cmpuint(steps, >=, 11);
    g_assert_cmpuint(steps, <=, 12);
    g_assert_cmphex(bed->state.control.dr[6] & 1 << 14, ==, 1 << 14);
}

/* ---- two vCPUs ---- */

static void start_second(SoftBed *bed, u64 rip)
{
    X86State *state = g_new(X86State, 1);
    GError *err = NULL;

    *state = bed->state;
    state->regs.rip = rip;
    state->regs.gpr[RSP] = SECOND_STACK;
    state->events.run_state = RUN_RUNNING;
    accel_soft.set_state(bed->machine->accel, 1, state, &err);
    g_assert_no_error(err);
    g_free(state);
}

/*
 * The second spins in code that the first changes; both say in [DATA] where they are.
 */
GUEST(spin_on_code,
      "1: movl $1, 0x40000\n"
      "2: mov $0, %eax\n"
      "test %eax, %eax\n"
      "jz 2b\n"
      "movl %eax, 0x40008\n"
      "3: pause\n"
      "jmp 3b\n");
GUEST(patch_other,
      "0: pause\n"
      "cmpl $1, 0x40000\n"
      "jne 0b\n"
      "mov $100000, %ecx\n"
      "1: dec %ecx\n"
      "jnz 1b\n"
      "movb $0x77, 0x200000+12\n"       /* the immediate at 2: */
      "2: pause\n"
      "mov 0x40008, %eax\n"
      "test %eax, %eax\n"
      "jz 2b" EXIT);

static void test_patch_other(void)
{
    g_autoptr(SoftBed) bed = bed_new(2);

    g_assert_cmphex(spin_on_code[11], ==, 0xb8);
    PUT(bed, CODE, patch_other);
    PUT(bed, SECOND_CODE, spin_on_code);
    start_second(bed, SECOND_CODE);
    g_assert_cmphex(run(bed), ==, 0x77);
}

/* Both count at [rbx], in three ways, rcx times each, and wait for each other. */
GUEST(count_locked,
      "0: lock incq (%rbx)\n"
      "mov $1, %eax\n"
      "lock xadd %rax, 0x100(%rbx)\n"
      "1: mov 0x200(%rbx), %rax\n"
      "lea 1(%rax), %rdx\n"
      "lock cmpxchg %rdx, 0x200(%rbx)\n"
      "jne 1b\n"
      "dec %ecx\n"
      "jnz 0b\n"
      "lock incl 0x40800\n"
      "2: pause\n"
      "cmpl $2, 0x40800\n"
      "jne 2b" EXIT);

static void count_together(gpa at, unsigned n)
{
    g_autoptr(SoftBed) bed = bed_new(2);

    PUT(bed, CODE, count_locked);
    bed->state.regs.gpr[RBX] = at;
    bed->state.regs.gpr[RCX] = n;
    start_second(bed, CODE);
    run(bed);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(soft_bed_get64(bed, at + i * 0x100), ==, 2 * n);
    }
}

static void test_locked(void)
{
    count_together(DATA, 50000);
}

/* One of the three lies across two pages: that needs an exclusive section. */
static void test_locked_across(void)
{
    count_together(DATA + 0x1000 - 4, 300);
    count_together(DATA + 0x1000 - 4 - 0x100, 300);
    count_together(DATA + 0x1000 - 4 - 0x200, 300);
}

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {
    { "patch-next", test_patch_next },
    { "patch-often", test_patch_often },
    { "patch-behind", test_patch_behind },
    { "patch-string", test_patch_string },
    { "data-beside", test_data_beside },
    { "device", test_device },
    { "cross", test_cross },
    { "cross-fault", test_cross_fault },
    { "small-cache", test_small_cache },
    { "many", test_many },
    { "steps", test_steps },
    { "patch-other", test_patch_other },
    { "locked", test_locked },
    { "locked-across", test_locked_across },
};

/*
 * Every test by the interpreter alone, and with every block translated the first time.
 */
static void run_interpreted(const void *i)
{
    hot = 0;
    tests[GPOINTER_TO_UINT(i)].test();
}

static void run_translated(const void *i)
{
    hot = 1;
    tests[GPOINTER_TO_UINT(i)].test();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *one = g_strconcat("/soft/block/", tests[i].name, NULL);
        g_autofree char *two = g_strconcat("/soft/block/translated/", tests[i].name,
                                           NULL);

        g_test_add_data_func(one, GUINT_TO_POINTER(i), run_interpreted);
        g_test_add_data_func(two, GUINT_TO_POINTER(i), run_translated);
    }
    return g_test_run();
}

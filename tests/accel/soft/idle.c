/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that has filled its caches sleeps: it gives them back if it was idle, keeps
 * them if it was busy, and does the same work once more when an NMI wakes it.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/tlb.h"
#include "tests/lib/soft_bed.h"

enum { TABLES = 0x1000, IDT = 0x9000, GDT = 0xa000, STACK = 0x80000, CODE = 0x100000,
       PLACES = 0x400000 };
enum { FILLED = 512 << 10, EMPTY = 64 << 10 };

/* Calls a RET in each of 16384 places, sleeps, and does so again in the NMI's handler. */
extern const u8 work[], work_end[], again[];
asm(".pushsection .rodata\n"
    "work: call 1f\n"
    "hlt\n"
    "again: call 1f\n"
    "out %al, $0xf4\n"
    "hlt\n"
    "1: mov $16384, %ecx\n"
    "mov $0x400000, %edi\n"
    "0: call *%rdi\n"
    "add $64, %rdi\n"
    "inc %eax\n"
    "dec %ecx\n"
    "jnz 0b\n"
    "ret\n"
    "work_end: .popsection\n");

typedef struct {
    SoftBed *bed;
    u64 bytes;                  /* of the caches, in its sleep */
    unsigned jump_size, tlb_size;
} Sleeper;

/* It is woken when it has slept for a while in which nothing changed. */
static gpointer wake(gpointer opaque)
{
    Sleeper *s = opaque;
    Cpu *cpu = s->bed->cpu;
    u64 before = UINT64_MAX;

    while (!atomic_load(&cpu->sleeping) || before != s->bytes) {
        g_usleep(50000);
        before = s->bytes;
        s->bytes = blocks_bytes(s->bed->soft->blocks);
    }
    s->jump_size = cpu->jump_mask / sizeof(JumpEntry) + 1;
    s->tlb_size = tlb_size(cpu);
    cpu_request(cpu, REQUEST_NMI_IN);
    return NULL;
}

static void prepare(SoftBed *bed)
{
    u64 at = CODE + (again - work);
    u8 ret = 0xc3;

    soft_bed_identity(bed, TABLES);
    soft_bed_put(bed, CODE, work, work_end - work);
    for (unsigned i = 0; i < 16384; i++) {
        soft_bed_put(bed, PLACES + i * 64, &ret, 1);
    }
    soft_bed_put64(bed, GDT + 8, 0x00af9b000000ffff);       /* code, 64 bits */
    soft_bed_put64(bed, IDT + EXC_NMI * 16,
                   (at & 0xffff) | 8 << 16 | 0x8e00ull << 32 | (at >> 16) << 48);
    soft_bed_put64(bed, IDT + EXC_NMI * 16 + 8, at >> 32);
    bed->state.segs.gdt_base = GDT;
    bed->state.segs.gdt_limit = 15;
    bed->state.segs.idt_base = IDT;
    bed->state.segs.idt_limit = 0xfff;
    bed->state.regs.rip = CODE;
    bed->state.regs.gpr[RSP] = STACK;
}

/* `busy`: microseconds of a CPU that it used in the last 1000 seconds. */
static Sleeper work_and_sleep(s64 busy)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Sleeper s = { .bed = bed };
    GThread *thread;

    bed->soft->hot = 32;                /* so that most code is only decoded */
    prepare(bed);
    soft_bed_set(bed);
    bed->soft->idle.since -= 1000 * 1000000ll;
    bed->soft->idle.used -= busy;
    thread = g_thread_new("wake", wake, &s);
    g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_EXIT);
    g_thread_join(thread);
    g_assert_cmpuint(bed->state.regs.gpr[RAX], ==, 2 * 16384);
    g_assert_cmpuint(blocks_bytes(bed->soft->blocks), >, FILLED);
    return s;
}

static void test_idle(void)
{
    Sleeper s = work_and_sleep(0);


    g_assert_cmpuint(s.bytes, <, EMPTY);
    g_assert_cmpuint(s.jump_size, ==, JUMP_FIRST_SIZE);
    g_assert_cmpuint(s.tlb_size, ==, TLB_FIRST_SIZE);
}

static void test_busy(void)
{
    Sleeper s = work_and_sleep(100 * 1000000ll);

    g_assert_cmpuint(s.bytes, >, FILLED);
    g_assert_cmpuint(s.jump_size, >, JUMP_FIRST_SIZE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/idle/idle", test_idle);
    g_test_add_func("/soft/idle/busy", test_busy);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INIT and SIPI (SDM vol. 3, 9.1, 10.4.4 and 11.6.1) that come when the vCPU stands: they
 * are in its state, which goes on elsewhere as the manual says, and the vCPU itself sees
 * to them when it runs.
 */

#include "accel/soft/lapic.h"
#include "tests/lib/soft_bed.h"

#include <string.h>

/* ICR: delivery mode INIT or start-up, level assert; where to. */
enum { ICR_INIT = 5 << 8 | 1 << 14, ICR_SIPI = 6 << 8 | 1 << 14, SECOND = 1 };
enum { PAGE = 0x12 };

/* mov $5, %al; out %al, $0xf4: in real mode. */
static const u8 program[] = { 0xb0, 0x05, 0xe6, BED_EXIT_PORT, 0xf4 };

static void second_state(SoftBed *bed, X86State *state)
{
    g_assert_true(accel_soft.get_state(bed->machine->accel, 1, state, NULL));
}

/* Two vCPUs: the first is halted, the second in the middle of 64-bit code. */
static SoftBed *bed_new(X86State *second)
{
    SoftBed *bed = soft_bed_new(2, NULL);

    soft_bed_put(bed, PAGE << 12, program, sizeof program);
    bed->state.events.run_state = RUN_HALTED;
    soft_bed_set(bed);
    second_state(bed, second);
    second->events.run_state = RUN_RUNNING;
    second->control.cr0 = 0x80000011;
    second->control.cr4 = 0x20;
    second->control.efer = 0x500;
    second->control.cr3 = 0x1000;
    second->regs.rip = 0x123456;
    second->regs.gpr[3] = 77;
    second->lapic.reg[0xf] = 0x1ff;
    second->lapic.reg[8] = 0x20;
    second->xsave.area[24] = 0x80;
    second->xsave.area[25] = 0x3f;              /* MXCSR: a rounding mode */
    g_assert_true(accel_soft.set_state(bed->machine->accel, 1, second, NULL));
    return bed;
}

/* Table 10-1, the column INIT. */
static void assert_init(const X86State *state)
{
    g_assert_cmphex(state->regs.rip, ==, 0xfff0);
    g_assert_cmphex(state->segs.selector[SEG_CS], ==, 0xf000);
    g_assert_cmphex(state->segs.base[SEG_CS], ==, 0xffff0000);
    g_assert_cmphex(state->regs.gpr[3], ==, 0);
    g_assert_cmphex(state->control.cr0 & ~0x60000000ull, ==, 0x10);
    g_assert_cmphex(state->control.cr3 | state->control.cr4 | state->control.efer, ==, 0);
    g_assert_cmphex(state->lapic.reg[0xf], ==, 0xff);
    g_assert_cmphex(state->lapic.reg[8], ==, 0);
    g_assert_cmphex(state->lapic.reg[2], ==, 1 << 24);
    g_assert_cmphex(state->xsave.area[25], ==, 0x3f);
    g_assert_cmpuint(state->events.run_state, ==, RUN_WAIT_SIPI);
}

static void test_init(void)
{
    g_autofree X86State *before = g_new0(X86State, 1), *state = g_new0(X86State, 1);
    g_autoptr(SoftBed) bed = bed_new(before);

    lapic_send(bed->cpu->lapic, ICR_INIT, SECOND);
    second_state(bed, state);
    assert_init(state);
    g_assert_cmphex(bed->soft->cpu[1]->rip, ==, 0x123456);
}

/* It goes on from what another machine had, and this one from what it has itself. */
static void test_start_up(void)
{
    g_autofree X86State *before = g_new0(X86State, 1), *state = g_new0(X86State, 1);
    g_autoptr(SoftBed) bed = bed_new(before);
    g_autoptr(SoftBed) other = bed_new(before);

    lapic_send(bed->cpu->lapic, ICR_INIT, SECOND);
    lapic_send(bed->cpu->lapic, ICR_SIPI | PAGE, SECOND);
    second_state(bed, state);
    g_assert_cmpuint(state->events.run_state, ==, RUN_RUNNING);
    g_assert_cmphex(state->segs.selector[SEG_CS], ==, PAGE << 8);
    g_assert_cmphex(state->segs.base[SEG_CS], ==, PAGE << 12);
    g_assert_cmphex(state->regs.rip, ==, 0);
    g_assert_true(accel_soft.set_state(other->machine->accel, 1, state, NULL));
    g_assert_cmpint(soft_bed_run(other), ==, REQUEST_EXIT);
    g_assert_cmpint(atomic_load(&other->value), ==, 5);
    g_assert_cmpint(soft_bed_run(bed), ==, REQUEST_EXIT);
    g_assert_cmpint(atomic_load(&bed->value), ==, 5);
}

/* A start-up message alone means nothing to a vCPU that runs. */
static void test_ignored(void)
{
    g_autofree X86State *before = g_new0(X86State, 1), *state = g_new0(X86State, 1);
    g_autoptr(SoftBed) bed = bed_new(before);

    lapic_send(bed->cpu->lapic, ICR_SIPI | PAGE, SECOND);
    second_state(bed, state);
    g_assert_cmphex(state->regs.rip, ==, 0x123456);
    g_assert_cmphex(state->control.cr0, ==, 0x80000011);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accel/soft/signals/init", test_init);
    g_test_add_func("/accel/soft/signals/start-up", test_start_up);
    g_test_add_func("/accel/soft/signals/ignored", test_ignored);
    return g_test_run();
}

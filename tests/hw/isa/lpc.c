/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LPC bridge as ACPI's drivers meet it: power management (ICH9 data sheet, 13.8.3),
 * the reset register, and interrupt wires.
 */

#include "base/lock.h"
#include "hw/intc/ioapic.h"
#include "tests/lib/board_bed.h"

/* ---- power management ---- */

static void test_pm_base(void)
{
    board_up();
    g_assert_cmphex(in(0x604, 4), ==, 0xffffffff);
    pm_on();
    g_assert_cmphex(in(0x604, 4), ==, 0);
    g_assert_cmphex(in(0x630, 4), ==, 0x20);    /* APMC_EN: SMM is not the guest's */
    config_write(LPC, 0x40, 0x1001, 4);
    g_assert_cmphex(in(0x604, 4), ==, 0xffffffff);
    g_assert_cmphex(in(0x1030, 4), ==, 0x20);
    board_down();
}

/* 3579545 Hz, 24 bits; bit 23's changes are reported, and interrupt when enabled. */
static void test_pm_timer(void)
{
    board_up();
    pm_on();
    clock_set(board_pc->clock, NS_PER_SEC);
    g_assert_cmpuint(in(0x608, 4), ==, 3579545);
    g_assert_cmpuint(in(0x609, 1), ==, 3579545 >> 8 & 0xff);
    clock_set(board_pc->clock, 10 * NS_PER_SEC);
    g_assert_cmpuint(in(0x608, 4), ==, 35795450 % (1 << 24));
    g_assert_cmphex(in(0x600, 2) & 1, ==, 1);
    out(0x600, 1, 2);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 0);
    /* the next change of bit 23 is at 5 * 2^23 ticks */
    clock_set(board_pc->clock, 5 * 8388608ull * NS_PER_SEC / 3579545 - 1000);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 0);
    clock_set(board_pc->clock, 5 * 8388608ull * NS_PER_SEC / 3579545 + 1000);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 1);
    board_down();
}

static void test_power_button(void)
{
    Q35 *q35;

    board_up();
    q35 = q35_of(board_pc);
    pm_on();
    out(0x602, 0x100, 2);
    irq_pulse(&board_pc->power_button);
    g_assert_cmphex(in(0x600, 2) & 0x100, ==, 0x100);
    g_assert_false(q35->gsi[9]);
    out(0xb2, 2, 1);                        /* ACPI on: SCI may come */
    g_assert_cmphex(in(0x604, 2), ==, 1);
    g_assert_true(q35->gsi[9]);
    out(0x600, 0x100, 2);
    g_assert_false(q35->gsi[9]);
    out(0xb2, 3, 1);
    g_assert_cmphex(in(0x604, 2), ==, 0);
    board_down();
}

static void test_power_off(void)
{
    board_up();
    pm_on();
    out(0x604, 0x1000, 2);                  /* another sleep type, not entered */
    out(0x604, 0x3000, 2);
    g_assert_cmpuint(asked.n, ==, 0);
    out(0x604, 0x2000, 2);
    g_assert_cmpuint(asked.n, ==, 1);
    g_assert_cmpint(asked.kind, ==, REQUEST_POWEROFF);
    g_assert_cmphex(in(0x604, 2), ==, 0);
    out(0x605, 0x20, 1);
    g_assert_cmpuint(asked.n, ==, 2);
    board_down();
}

static void test_reset_register(void)
{
    board_up();
    out(0xcf9, 2, 1);
    g_assert_cmpuint(asked.n, ==, 0);
    g_assert_cmphex(in(0xcf9, 1), ==, 2);
    out(0xcf9, 6, 1);
    g_assert_cmpuint(asked.n, ==, 1);
    g_assert_cmpint(asked.kind, ==, REQUEST_RESET);
    out(0xcf9, 0x0e, 1);
    g_assert_cmpuint(asked.n, ==, 2);
    out(0xcf8, 0x80000600, 4);          /* an address, not a byte for 0xcf9 */
    g_assert_cmpuint(asked.n, ==, 2);
    board_down();
}

/* ---- interrupt wires ---- */

/* IOAPIC entry: fixed, level-triggered, to LAPIC 0. */
static void route_pin(unsigned pin, u8 vector)
{
    store(IOAPIC_BASE, 0x10 + 2 * pin + 1);
    store(IOAPIC_BASE + 0x10, 0);
    store(IOAPIC_BASE, 0x10 + 2 * pin);
    store(IOAPIC_BASE + 0x10, 0x8000 | vector);
}

static void test_pirq(void)
{
    board_up();
    for (unsigned i = 0; i < 8; i++) {
        route_pin(16 + i, 0x40 + i);
    }
    for (unsigned i = 0; i < 8; i++) {
        irq_set(&board_pc->pci->line[i], true);
        g_assert_cmpuint(sent.n, ==, i + 1);
        g_assert_cmphex(sent.data & 0xff, ==, 0x40 + i);
        irq_set(&board_pc->pci->line[i], false);
        board_pc->eoi(board_pc, 0x40 + i);
    }
    /* the data sheet's rotation for slots, and pins A to D of the chipset's own */
    g_assert_cmpuint(board_pc->pci->route(1, 0), ==, 5);
    g_assert_cmpuint(board_pc->pci->route(3, 1), ==, 4);
    g_assert_cmpuint(board_pc->pci->route(31, 2), ==, 2);
    board_down();
}

/* Initialises both PICs: vectors 8 and 0x70 on, all masked but those given. */
static void pic_on(u16 open)
{
    out(0x20, 0x11, 1), out(0x21, 0x08, 1), out(0x21, 4, 1), out(0x21, 1, 1);
    out(0xa0, 0x11, 1), out(0xa1, 0x70, 1), out(0xa1, 2, 1), out(0xa1, 1, 1);
    out(0x21, ~open & 0xfb, 1), out(0xa1, (~open >> 8) & 0xff, 1);
}

static void test_pirq_to_pic(void)
{
    board_up();
    pic_on(1 << 11);
    out(0x4d1, 0x08, 1);
    irq_set(&board_pc->pci->line[3], true);
    g_assert_false(board_pc->pic_pending(board_pc));
    config_write(LPC, 0x63, 11, 1);
    g_assert_true(board_pc->pic_pending(board_pc));
    g_assert_cmphex(board_pc->pic_ack(board_pc), ==, 0x73);
    irq_set(&board_pc->pci->line[3], false);
    out(0xa0, 0x20, 1), out(0x20, 0x20, 1);
    g_assert_false(board_pc->pic_pending(board_pc));
    config_write(LPC, 0x6a, 11, 1);         /* PIRQ G shares the input */
    irq_set(&board_pc->pci->line[6], true);
    irq_set(&board_pc->pci->line[3], true);
    irq_set(&board_pc->pci->line[6], false);
    g_assert_true(board_pc->pic_pending(board_pc));
    config_write(LPC, 0x63, 0x80, 1);
    g_assert_false(board_pc->pic_pending(board_pc));
    board_down();
}

/* MADT: GSI 0 arrives at pin 2, and at input 0 of the PIC. */
static void test_timer_pin(void)
{
    board_up();
    route_pin(2, 0x30);
    pic_on(1 << 0);
    machine_gsi(board_pc, 0, true);
    g_assert_cmphex(sent.data & 0xff, ==, 0x30);
    g_assert_true(board_pc->pic_pending(board_pc));
    board_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/board/pm/base", test_pm_base);
    g_test_add_func("/board/pm/timer", test_pm_timer);
    g_test_add_func("/board/pm/power-button", test_power_button);
    g_test_add_func("/board/pm/power-off", test_power_off);
    g_test_add_func("/board/reset-register", test_reset_register);
    g_test_add_func("/board/irq/pirq", test_pirq);
    g_test_add_func("/board/irq/pirq-to-pic", test_pirq_to_pic);
    g_test_add_func("/board/irq/timer-pin", test_timer_pin);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts into a guest: messages, irqfds, the PIC's, NMIs, from one CPU to another;
 * and what comes back, EOIs (SDM vol. 3, 6 and 11).
 */

#include "tests/lib/cpu_bed.h"

#include "base/lock.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define KVM "kvm,force=on"
enum { AT = 0x1000, HANDLER = 0x2000, SECOND = 0x3000, COUNT = 0x500, GO = 0x504 };
enum { LEVEL = 1 << 15, ASSERT = 1 << 14 };
#define TO_FIRST 0xfee00000u

PROGRAM(wait_interrupt);
PROGRAM(spin_interrupt);
PROGRAM(handler);
PROGRAM(slow_handler);
PROGRAM(wake_second);
PROGRAM(second);
PROGRAM(lapic_timer);
PROGRAM(x2apic);
PROGRAM(x2apic_handler);

/* A guest with one gate. */
static CpuBed *bed_with(const u8 *begin, const u8 *end, u8 vector, unsigned cpus)
{
    CpuBed *bed = cpu_bed_new(KVM, cpus, NULL);

    if (bed) {
        cpu_bed_load(bed, AT, begin, end);
        LOAD(bed, HANDLER, handler);
        cpu_bed_gate(bed, START_PROTECTED, vector, HANDLER);
        cpu_bed_start(bed, 0, START_PROTECTED, AT);
    }
    return bed;
}
#define BED_WITH(program, vector) bed_with(program, program##_end, vector, 1)

/* Runs it until it is ready, and most likely asleep. */
static void get_ready(CpuBed *bed)
{
    cpu_bed_resume(bed);
    cpu_bed_wait(bed);
    g_assert_cmpint(bed->request, ==, REQUEST_EXIT);
    g_assert_cmpint(bed->value, ==, 1);
    g_usleep(20000);
}

static void ends_with(CpuBed *bed, int value, unsigned interrupts)
{
    cpu_bed_wait(bed);
    cpu_bed_pause(bed);
    g_assert_cmpstr(bed->cause, ==, NULL);
    g_assert_cmpint(bed->request, ==, REQUEST_EXIT);
    g_assert_cmpint(bed->value, ==, value);
    g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, interrupts);
}

static void test_msi(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x41);

    if (!bed) {
        return;
    }
    get_ready(bed);
    machine_msi(bed->machine, TO_FIRST, 0x41);
    ends_with(bed, 11, 1);
    g_assert_cmpuint(bed->eois, ==, 0);
}

static bool irqfd(CpuBed *bed, int fd, u32 data, u32 *route)
{
    return cpu_bed_accel(bed)->irqfd(bed->machine->accel, fd, TO_FIRST, data, route);
}

static void test_irqfd(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x42);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), other;
    u32 route, second;
    eventfd_t count;

    if (!bed) {
        close(fd);
        return;
    }
    other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    g_assert_true(irqfd(bed, fd, 0x42, &route));
    g_assert_true(irqfd(bed, other, 0x43, &second));
    g_assert_cmpuint(route, !=, second);
    get_ready(bed);
    g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
    ends_with(bed, 11, 1);

    /* Once removed it is silent, and its place is free. */
    cpu_bed_accel(bed)->irqfd_remove(bed->machine->accel, fd, route);
    cpu_bed_accel(bed)->irqfd_remove(bed->machine->accel, other, second);
    cpu_bed_poke(bed, COUNT, 0, 4);
    cpu_bed_start(bed, 0, START_PROTECTED, AT);
    get_ready(bed);
    g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
    g_usleep(20000);
    g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, 0);
    /* What is still in it would be an interrupt at once, and the handler takes one. */
    g_assert_cmpint(eventfd_read(fd, &count), ==, 0);
    g_assert_true(irqfd(bed, fd, 0x42, &second));
    g_assert_cmpuint(route, ==, second);
    machine_msi(bed->machine, TO_FIRST, 0x42);
    cpu_bed_wait(bed);
    cpu_bed_accel(bed)->irqfd_remove(bed->machine->accel, fd, second);
    close(fd);
    close(other);
}

/* ---- the PIC ---- */

static void extint(CpuBed *bed, bool level)
{
    machine_lock();
    cpu_bed_accel(bed)->extint(bed->machine->accel, level);
    machine_unlock();
}

static unsigned pic_acks(CpuBed *bed)
{
    unsigned acks;

    machine_lock();
    acks = bed->pic_acks;
    machine_unlock();
    return acks;
}

static void test_pic_wakes(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x45);

    if (!bed) {
        return;
    }
    bed->pic_vector = 0x45;
    get_ready(bed);
    extint(bed, true);
    ends_with(bed, 11, 1);
    g_assert_cmpuint(pic_acks(bed), ==, 1);
}

/* Raised while the guest is not interruptible: acknowledged when it is. */
static void test_pic_waits(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(spin_interrupt, 0x46);

    if (!bed) {
        return;
    }
    bed->pic_vector = 0x46;
    get_ready(bed);
    extint(bed, true);
    g_usleep(20000);
    g_assert_cmpuint(pic_acks(bed), ==, 0);
    cpu_bed_poke(bed, GO, 1, 4);
    ends_with(bed, 12, 1);
    g_assert_cmpuint(pic_acks(bed), ==, 1);
}

/* Gone before the guest could take it: it never was. */
static void test_pic_withdrawn(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(spin_interrupt, 0x41);

    if (!bed) {
        return;
    }
    get_ready(bed);
    extint(bed, true);
    g_usleep(20000);
    extint(bed, false);
    cpu_bed_poke(bed, GO, 1, 4);
    machine_msi(bed->machine, TO_FIRST, 0x41);
    ends_with(bed, 12, 1);
    g_assert_cmpuint(pic_acks(bed), ==, 0);
}

/* ---- the IOAPIC ---- */

static void route(CpuBed *bed, unsigned pin, bool masked, u32 data)
{
    machine_lock();
    cpu_bed_accel(bed)->ioapic_route(bed->machine->accel, pin, masked, TO_FIRST, data);
    machine_unlock();
}

static void test_eoi(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x51);

    if (!bed) {
        return;
    }
    route(bed, 9, false, 0x51 | LEVEL | ASSERT);
    get_ready(bed);
    machine_msi(bed->machine, TO_FIRST, 0x51 | LEVEL | ASSERT);
    ends_with(bed, 11, 1);
    g_assert_cmpuint(bed->eois, ==, 1);
    g_assert_cmphex(bed->eoi_vector, ==, 0x51);
}

/* 82093AA, 3.2.4: a pin masked after it has sent its message still awaits the EOI. */
static void test_eoi_masked(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x52);

    if (!bed) {
        return;
    }
    LOAD(bed, HANDLER, slow_handler);
    route(bed, 9, false, 0x52 | LEVEL | ASSERT);
    get_ready(bed);
    machine_msi(bed->machine, TO_FIRST, 0x52 | LEVEL | ASSERT);
    cpu_bed_wait(bed);
    g_assert_cmpint(bed->value, ==, 2);
    route(bed, 9, true, 0);
    cpu_bed_poke(bed, GO, 1, 4);
    ends_with(bed, 11, 1);
    g_assert_cmpuint(bed->eois, ==, 1);
}

/* An edge has no EOI to report. */
static void test_eoi_edge(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 0x53);

    if (!bed) {
        return;
    }
    route(bed, 9, false, 0x53 | LEVEL | ASSERT);
    route(bed, 9, false, 0x53);
    get_ready(bed);
    machine_msi(bed->machine, TO_FIRST, 0x53);
    ends_with(bed, 11, 1);
    g_assert_cmpuint(bed->eois, ==, 0);
}

/* ---- the rest ---- */

/* NMIs need no STI. */
static void test_nmi(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(wait_interrupt, 2);

    if (!bed) {
        return;
    }
    get_ready(bed);
    cpu_bed_accel(bed)->nmi(bed->machine->accel, 0);
    ends_with(bed, 11, 1);
}

static void test_lapic_timer(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(lapic_timer, 0x41);

    if (!bed) {
        return;
    }
    cpu_bed_runs_to(bed, 14);
    g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, 1);
}

static void test_x2apic(void)
{
    g_autoptr(CpuBed) bed = BED_WITH(x2apic, 0x41);

    if (!bed) {
        return;
    }
    LOAD(bed, HANDLER, x2apic_handler);
    cpu_bed_runs_to(bed, 15);
    g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, 1);
    g_assert_cmphex(cpu_bed_peek(bed, 0x508, 4), ==, 0);
}

static void test_second_cpu(void)
{
    g_autoptr(CpuBed) bed = bed_with(wake_second, wake_second_end, 0x41, 2);
    g_autofree X86State *state = g_new(X86State, 1);

    if (!bed) {
        return;
    }
    LOAD(bed, SECOND, second);
    x86_state_reset(state, cpu_apic_id(&bed->topology, 1), false);
    cpu_bed_set(bed, 1, state);
    cpu_bed_get(bed, 1, state);
    g_assert_cmpuint(state->events.run_state, ==, RUN_WAIT_SIPI);
    cpu_bed_runs_to(bed, 13);
    cpu_bed_resume(bed);
    g_usleep(20000);
    cpu_bed_pause(bed);
    cpu_bed_get(bed, 1, state);
    g_assert_cmpuint(state->events.run_state, ==, RUN_HALTED);
    g_assert_cmphex(state->segs.base[SEG_CS], ==, SECOND);
    g_assert_cmphex(state->segs.selector[SEG_CS], ==, SECOND >> 4);

    /* Its state set anew, it waits again. */
    x86_state_reset(state, cpu_apic_id(&bed->topology, 1), false);
    cpu_bed_set(bed, 1, state);
    cpu_bed_poke(bed, 0x504, 0, 4);
    cpu_bed_start(bed, 0, START_PROTECTED, AT);
    cpu_bed_runs_to(bed, 13);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/msi", test_msi);
    g_test_add_func("/kvm/irqfd", test_irqfd);
    g_test_add_func("/kvm/pic-wakes", test_pic_wakes);
    g_test_add_func("/kvm/pic-waits", test_pic_waits);
    g_test_add_func("/kvm/pic-withdrawn", test_pic_withdrawn);
    g_test_add_func("/kvm/eoi", test_eoi);
    g_test_add_func("/kvm/eoi-masked", test_eoi_masked);
    g_test_add_func("/kvm/eoi-edge", test_eoi_edge);
    g_test_add_func("/kvm/nmi", test_nmi);
    g_test_add_func("/kvm/lapic-timer", test_lapic_timer);
    g_test_add_func("/kvm/x2apic", test_x2apic);
    g_test_add_func("/kvm/second-cpu", test_second_cpu);
    return g_test_run();
}

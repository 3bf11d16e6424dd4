/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's accesses look like to the devices, and what they see of the answer
 * (SDM vol. 2: IN, OUT, INS, OUTS, MOV); how a vCPU's end is told.
 */

#include "base/lock.h"
#include "tests/lib/cpu_bed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define KVM "kvm,force=on"
enum { AT = 0x1000 };

PROGRAM(ports);
PROGRAM(port_strings);
PROGRAM(port_long);
PROGRAM(mmio);
PROGRAM(mmio_long);
PROGRAM(rom);
PROGRAM(triple_fault);
PROGRAM(into_mmio);
PROGRAM(ring);
PROGRAM(ring_alone);

static void test_ports(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    bed->answer = 0x1122334455667788;
    LOAD(bed, AT, ports);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 1);
    cpu_bed_access(bed, 0, true, true, 0x10, 0xef, 1);
    cpu_bed_access(bed, 1, true, true, 0x10, 0xcdef, 2);
    cpu_bed_access(bed, 2, true, true, 0x10, 0x89abcdef, 4);
    cpu_bed_access(bed, 3, true, false, 0x10, bed->answer, 1);
    cpu_bed_access(bed, 4, true, false, 0x10, bed->answer, 2);
    cpu_bed_access(bed, 5, true, false, 0x10, bed->answer, 4);
    g_assert_cmpuint(bed->accesses, ==, 6);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 4), ==, 0xffffff88);
    g_assert_cmphex(cpu_bed_peek(bed, 0x504, 4), ==, 0xffff7788);
    g_assert_cmphex(cpu_bed_peek(bed, 0x508, 4), ==, 0x55667788);
    g_assert_cmphex(cpu_bed_peek(bed, 0x50c, 4), ==, 0xffffffff);
}

static void test_port_strings(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    bed->answer = 0x55667788;
    for (unsigned i = 0; i < 16; i++) {
        cpu_bed_poke(bed, 0x600 + i, 0xa0 + i, 1);
    }
    LOAD(bed, AT, port_strings);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 2);
    for (unsigned i = 0; i < 5; i++) {
        cpu_bed_access(bed, i, true, true, 0x20, 0xa0 + i, 1);
    }
    cpu_bed_access(bed, 5, true, true, 0x20, 0xa6a5, 2);
    cpu_bed_access(bed, 6, true, true, 0x20, 0xa8a7, 2);
    cpu_bed_access(bed, 7, true, true, 0x20, 0xacabaaa9, 4);
    for (unsigned i = 8; i < 11; i++) {
        cpu_bed_access(bed, i, true, false, 0x20, bed->answer, 1);
    }
    cpu_bed_access(bed, 11, true, false, 0x20, bed->answer, 4);
    cpu_bed_access(bed, 12, true, false, 0x20, bed->answer, 2);
    cpu_bed_access(bed, 13, true, false, 0x20, bed->answer, 2);
    g_assert_cmpuint(bed->accesses, ==, 14 + 5000);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 2), ==, 0x600 + 13);
    /* Three bytes at 0x700, four at 0x703; then words at 0x707 and 0x705. */
    g_assert_cmphex(cpu_bed_peek(bed, 0x700, 8), ==, 0x8877887788888888);
    g_assert_cmphex(cpu_bed_peek(bed, 0x705, 4), ==, 0x77887788);
    g_assert_cmphex(cpu_bed_peek(bed, 0x502, 2), ==, 0x703);
    g_assert_cmphex(cpu_bed_peek(bed, 0x504, 2), ==, 0x800 + 5000);
    g_assert_cmphex(cpu_bed_peek(bed, 0x506, 2), ==, 0);
}

static void test_port_long(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    bed->answer = 0x89abcdef;
    LOAD(bed, AT, port_long);
    cpu_bed_start(bed, 0, START_LONG, AT);
    cpu_bed_runs_to(bed, 3);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 8), ==, 0x89abcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x508, 8), ==, 0xffffffffffffcdef);
}

static void test_mmio(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    bed->answer = 0x89abcdef;
    LOAD(bed, AT, mmio);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 4);
    cpu_bed_access(bed, 0, false, true, 0x10, 0x11, 1);
    cpu_bed_access(bed, 1, false, true, 0x12, 0x2233, 2);
    cpu_bed_access(bed, 2, false, true, 0x14, 0x44556677, 4);
    /* Devices see aligned accesses only. */
    cpu_bed_access(bed, 3, false, true, 0x23, 0xbb, 1);
    cpu_bed_access(bed, 4, false, true, 0x24, 0x99aa, 2);
    cpu_bed_access(bed, 5, false, true, 0x26, 0x88, 1);
    cpu_bed_access(bed, 6, false, false, 0x30, bed->answer, 1);
    cpu_bed_access(bed, 7, false, false, 0x32, bed->answer, 2);
    cpu_bed_access(bed, 8, false, false, 0x34, bed->answer, 4);
    cpu_bed_access(bed, 9, false, false, 0x38, bed->answer, 1);
    cpu_bed_access(bed, 10, false, false, 0x1ffe, bed->answer, 2);
    g_assert_cmpuint(bed->accesses, ==, 11);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 4), ==, 0xffffffef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x504, 4), ==, 0xffffcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x508, 4), ==, 0x89abcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x50c, 4), ==, 0xef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x510, 4), ==, 0xffffcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x514, 4), ==, 0xffffffff);
}

static void test_mmio_long(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    bed->answer = 0x1122334489abcdef;
    LOAD(bed, AT, mmio_long);
    cpu_bed_start(bed, 0, START_LONG, AT);
    cpu_bed_runs_to(bed, 5);
    cpu_bed_access(bed, 0, false, true, 8, 0x1122334455667788, 8);
    cpu_bed_access(bed, 1, false, true, 0x10, 0xfffffffe, 4);
    cpu_bed_access(bed, 2, false, false, 0x18, bed->answer, 8);
    cpu_bed_access(bed, 3, false, false, 0x20, bed->answer, 4);
    cpu_bed_access(bed, 4, false, false, 0x28, bed->answer, 4);
    cpu_bed_access(bed, 5, false, true, 0x28, 0x89abcdf0, 4);
    cpu_bed_access(bed, 6, false, false, 0x30, bed->answer, 4);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 8), ==, 0x1122334489abcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x508, 8), ==, 0x89abcdef);
    g_assert_cmphex(cpu_bed_peek(bed, 0x510, 8), ==, 0xffffffff89abcdef);
}

static void test_rom(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    g_autoptr(GError) err = NULL;
    Region region;

    if (!bed) {
        return;
    }
    g_assert_true(region_init_rom(&region, "rom", 0x1000, &err));
    region_rom_bytes(&region)[0x10] = 0x34;
    region_rom_bytes(&region)[0x11] = 0x12;
    space_add(bed->machine->mmio, &region, 0xc0000, 0);
    LOAD(bed, AT, rom);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 6);
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 2), ==, 0x1234);
    g_assert_cmphex(cpu_bed_peek(bed, 0x502, 2), ==, 0x1234);
    region_fini(&region);
}

/* ---- doorbells ---- */

static int bell_add(Region *region, u64 offset, unsigned size, bool match, u64 value)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    Doorbell bell = { offset, value, size, match, fd };

    region_add_doorbell(region, &bell);
    return fd;
}

/* Takes the bell away; says how often it rang. */
static u64 bell_remove(Region *region, int fd)
{
    eventfd_t count = 0;

    (void)eventfd_read(fd, &count);
    region_remove_doorbell(region, fd);
    close(fd);
    return count;
}

static void test_doorbells(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    int any, some, port;

    if (!bed) {
        return;
    }
    any = bell_add(&bed->low, 0x40, 0, false, 0);
    some = bell_add(&bed->low, 0x48, 2, true, 1);
    port = bell_add(&bed->ports, 0x40, 2, false, 0);
    LOAD(bed, AT, ring);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 7);
    cpu_bed_access(bed, 0, false, true, 0x44, 8, 4);
    cpu_bed_access(bed, 1, false, true, 0x48, 2, 2);
    cpu_bed_access(bed, 2, true, true, 0x42, 9, 2);
    g_assert_cmpuint(bed->accesses, ==, 3);
    g_assert_cmpuint(bell_remove(&bed->low, any), ==, 1);
    g_assert_cmpuint(bell_remove(&bed->low, some), ==, 1);
    g_assert_cmpuint(bell_remove(&bed->ports, port), ==, 1);

    /* Gone, they are registers again. */
    bed->accesses = 0;
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 7);
    g_assert_cmpuint(bed->accesses, ==, 6);
}

/* They ring in the kernel: the guest gets past them while nobody can serve an exit. */
static void test_doorbells_alone(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    unsigned left = 5000;
    int mmio_bell, port_bell;

    if (!bed) {
        return;
    }
    mmio_bell = bell_add(&bed->low, 0x40, 4, true, 7);
    port_bell = bell_add(&bed->ports, 0x40, 0, false, 0);
    LOAD(bed, AT, ring_alone);
    cpu_bed_start(bed, 0, START_REAL, AT);
    machine_lock();
    cpu_bed_accel(bed)->resume(bed->machine->accel);
    while (!cpu_bed_peek(bed, 0x500, 4) && left--) {
        g_usleep(1000);
    }
    g_assert_cmphex(cpu_bed_peek(bed, 0x500, 4), ==, 1);
    machine_unlock();
    cpu_bed_wait(bed);
    cpu_bed_pause(bed);
    g_assert_cmpuint(bell_remove(&bed->low, mmio_bell), ==, 1);
    g_assert_cmpuint(bell_remove(&bed->ports, port_bell), ==, 1);
}

/* ---- ends ---- */

static void test_triple_fault(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    LOAD(bed, AT, triple_fault);
    cpu_bed_start(bed, 0, START_PROTECTED, AT);
    cpu_bed_run(bed);
    g_assert_cmpint(bed->request, ==, REQUEST_RESET);

    /* Running on changes nothing; a new state does. */
    cpu_bed_resume(bed);
    cpu_bed_pause(bed);
    g_assert_false(cpu_bed_asked(bed));
    LOAD(bed, AT, ports);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_runs_to(bed, 1);
}

static void test_into_mmio(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    LOAD(bed, AT, into_mmio);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_run(bed);
    g_assert_cmpint(bed->request, ==, REQUEST_CRASH);
    g_assert_cmpint(bed->value, ==, 0);
    g_assert_nonnull(strstr(bed->cause, "KVM internal error 1 on vCPU 0: an instruction"
                                        " that KVM can't emulate"));
    g_assert_null(strchr(bed->cause, '\n'));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/ports", test_ports);
    g_test_add_func("/kvm/port-strings", test_port_strings);
    g_test_add_func("/kvm/port-long", test_port_long);
    g_test_add_func("/kvm/mmio", test_mmio);
    g_test_add_func("/kvm/mmio-long", test_mmio_long);
    g_test_add_func("/kvm/rom", test_rom);
    g_test_add_func("/kvm/doorbells", test_doorbells);
    g_test_add_func("/kvm/doorbells-alone", test_doorbells_alone);
    g_test_add_func("/kvm/triple-fault", test_triple_fault);
    g_test_add_func("/kvm/into-mmio", test_into_mmio);
    return g_test_run();
}

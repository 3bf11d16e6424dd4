/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pausing, resuming and changing the map while the guest runs.
 */

#include "tests/lib/cpu_bed.h"

#include "base/lock.h"

#define KVM "kvm,force=on"
enum { AT = 0x1000, COUNT = 0x500, WATCHED = 0x60000 };

PROGRAM(spin);
PROGRAM(crossing);
PROGRAM(watch);

/* The guest counts while it runs, and does not while it is paused. */
static void test_pause(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 2, NULL);
    u32 last = 0, moved = 0;

    if (!bed) {
        return;
    }
    LOAD(bed, AT, spin);
    cpu_bed_start(bed, 0, START_REAL, AT);
    for (unsigned i = 0; i < 2000; i++) {
        u32 count;

        cpu_bed_resume(bed);
        if (i % 4) {
            g_usleep(g_test_rand_int_range(0, 300));
        }
        cpu_bed_pause(bed);
        count = cpu_bed_peek(bed, COUNT, 4);
        moved += count != last;
        g_usleep(i % 16 ? 0 : 200);
        g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, count);
        last = count;
    }
    g_assert_cmpuint(moved, >, 500);
}

/* Pausing and resuming twice is as once; closing needs no pause. */
static void test_pause_twice(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);

    if (!bed) {
        return;
    }
    LOAD(bed, AT, spin);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_pause(bed);
    cpu_bed_resume(bed);
    cpu_bed_accel(bed)->resume(bed->machine->accel);
    while (!cpu_bed_peek(bed, COUNT, 4)) {
        g_usleep(100);
    }
    cpu_bed_pause(bed);
    cpu_bed_pause(bed);
    cpu_bed_resume(bed);
    accel_close(bed->machine->accel);
    g_assert_null(bed->machine->accel);
}

/* An access in two parts is done once, wherever the machine pauses. */
static void test_pause_in_access(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    unsigned pauses = 0;

    if (!bed) {
        return;
    }
    bed->answer = 0x01;
    LOAD(bed, AT, crossing);
    cpu_bed_start(bed, 0, START_PROTECTED, AT);
    for (bool done = false; !done; pauses++) {
        cpu_bed_resume(bed);
        g_usleep(g_test_rand_int_range(0, 50));
        cpu_bed_pause(bed);
        done = cpu_bed_asked(bed);
        g_assert_cmpuint(pauses, <, 1000000);
    }
    cpu_bed_wait(bed);
    g_assert_cmpstr(bed->cause, ==, NULL);
    g_assert_cmpint(bed->value, ==, 10);
    g_assert_cmpuint(pauses, >, 20);
    /* Writes of two words; reads of a byte, a word and a byte. */
    g_assert_cmpuint(bed->accesses, ==, 1000 * (2 + 3));
    g_assert_cmphex(cpu_bed_peek(bed, COUNT, 4), ==, (u32)(1000 * 0x01000101u));
}

/* ---- the map ---- */

/* Waits for the guest to report what it sees at WATCHED. */
static void sees(CpuBed *bed, u32 value)
{
    unsigned left = 5000;
    u64 seen = 0;
    bool found = false;

    while (!found && left-- && !cpu_bed_asked(bed)) {
        machine_lock();
        for (unsigned i = 0; i < MIN(bed->accesses, G_N_ELEMENTS(bed->access)); i++) {
            if (bed->access[i].port) {
                seen = bed->access[i].value;
            }
        }
        machine_unlock();
        found = seen == value;
        g_usleep(found ? 0 : 1000);
    }
    g_assert_cmphex(seen, ==, value);
}

/* Under the guest's feet, and while another CPU executes from the same RAM. */
static void test_map_changes(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 2, NULL);
    g_autoptr(GError) err = NULL;
    Region rom, alias;

    if (!bed) {
        return;
    }
    g_assert_true(region_init_rom(&rom, "rom", 0x1000, &err));
    memcpy(region_rom_bytes(&rom), "ROM!", 4);
    cpu_bed_poke(bed, WATCHED, 0x1111, 4);
    cpu_bed_poke(bed, 0x30000, 0x2222, 4);
    g_assert_true(region_init_alias(&alias, "alias", bed->machine->mem, 0x30000, 0x1000,
                                    false));
    LOAD(bed, AT, watch);
    LOAD(bed, 0x2000, spin);
    cpu_bed_start(bed, 0, START_PROTECTED, AT);
    cpu_bed_start(bed, 1, START_REAL, 0x2000);
    cpu_bed_resume(bed);
    sees(bed, 0x1111);
    for (unsigned i = 0; i < 5; i++) {
        machine_lock();
        space_add(bed->machine->mmio, &rom, WATCHED, 1);
        machine_unlock();
        sees(bed, 0x214d4f52);
        machine_lock();
        region_move(&rom, 0x50000);
        machine_unlock();
        sees(bed, 0x1111);
        machine_lock();
        space_add(bed->machine->mmio, &alias, WATCHED, 1);
        machine_unlock();
        sees(bed, 0x2222);
        machine_lock();
        space_remove(&alias);
        space_remove(&rom);
        machine_unlock();
        sees(bed, 0x1111);
    }
    cpu_bed_poke(bed, WATCHED, 0x600d, 4);
    cpu_bed_wait(bed);
    cpu_bed_pause(bed);
    g_assert_cmpstr(bed->cause, ==, NULL);
    g_assert_cmpint(bed->value, ==, 9);
    region_fini(&rom);
    region_fini(&alias);
}

/* A page of RAM that gives way to registers, many times, with both CPUs running on. */
static void test_map_flips(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 2, NULL);

    if (!bed) {
        return;
    }
    LOAD(bed, AT, spin);
    LOAD(bed, 0x2000, spin);
    cpu_bed_start(bed, 0, START_REAL, AT);
    cpu_bed_start(bed, 1, START_REAL, 0x2000);
    cpu_bed_resume(bed);
    for (unsigned i = 0; i < 300; i++) {
        u32 count = cpu_bed_peek(bed, COUNT, 4);

        machine_lock();
        region_move(&bed->low, i % 2 ? BED_MMIO : 0x40000 + (i % 7) * 0x1000);
        machine_unlock();
        while (cpu_bed_peek(bed, COUNT, 4) == count && !cpu_bed_asked(bed)) {
            g_usleep(50);
        }
        g_assert_false(cpu_bed_asked(bed));
    }
    cpu_bed_pause(bed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/pause", test_pause);
    g_test_add_func("/kvm/pause-twice", test_pause_twice);
    g_test_add_func("/kvm/pause-in-access", test_pause_in_access);
    g_test_add_func("/kvm/map-changes", test_map_changes);
    g_test_add_func("/kvm/map-flips", test_map_flips);
    return g_test_run();
}

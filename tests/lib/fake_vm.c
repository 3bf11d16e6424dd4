/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine whose CPUs only stand there (fake_vm.h).
 */

#include "tests/lib/fake_vm.h"
#include "base/lock.h"
#include "chardev/chardev.h"
#include "vm/monitor.h"

#include <string.h>

FakeVm fake;

static void fake_pause(Accel *accel)
{
    (void)accel;
    g_assert_false(machine_lock_held());
    fake.pauses += fake.running;
    fake.running = false;
}

static void fake_resume(Accel *accel)
{
    (void)accel;
    g_assert_false(machine_lock_held());
    fake.running = true;
}

static bool fake_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err)
{
    (void)accel, (void)cpu, (void)err;
    g_assert_false(fake.running);
    *state = fake.state;
    return true;
}

/* The first MiB is mapped one to one, above it nothing. */
static bool fake_translate(Accel *accel, unsigned cpu, gva at, gpa *out)
{
    (void)accel, (void)cpu;
    g_assert_false(fake.running);
    *out = at;
    return at < MiB;
}

static void fake_nmi(Accel *accel, unsigned cpu)
{
    (void)accel, (void)cpu;
    fake.nmis++;
}

static const AccelType fake_type = {
    .name = "fake",
    .pause = fake_pause,
    .resume = fake_resume,
    .get_state = fake_get_state,
    .translate = fake_translate,
    .nmi = fake_nmi,
};

/* The last 256 bytes of QEMU's BIOS, as far as they are looked at. */
static const u8 rom_begin[] = {
    0x66, 0xe8, 0xc3, 0x6d, 0xff, 0xff, 0x66, 0x40, 0x66, 0xba, 0x40, 0x00, 0x00, 0x00,
    0x8e, 0xc2, 0x26, 0x8a, 0x16, 0x84, 0x04, 0x66,
};
static const u8 rom_end[] = {
    0xea, 0x5b, 0xe0, 0x00, 0xf0, 0x30, 0x36, 0x2f, 0x32, 0x33, 0x2f, 0x39, 0x39, 0x00,
    0xfc, 0x00,
};

static Accel accel = { .type = &fake_type };
static Region rom;

void fake_vm_open(void)
{
    Machine *machine = machine_new();
    GError *err = NULL;

    machine->cpus = 2;
    machine->accel = &accel;
    accel.machine = machine;
    g_assert_true(mem_add_ram(machine->mem, machine->mmio, "ram", 0, 2 * MiB, &err));
    g_assert_true(region_init_rom(&rom, "bios", PAGE_BYTES, &err));
    memcpy(region_rom_bytes(&rom) + 0xf00, rom_begin, sizeof rom_begin);
    memcpy(region_rom_bytes(&rom) + 0xff0, rom_end, sizeof rom_end);
    space_add(machine->mmio, &rom, 0xff000, 1);
    fake = (FakeVm){ .machine = machine, .vm = vm_new(machine) };
    fake.state.regs.rip = 0xfff0;
    fake.state.segs.base[SEG_CS] = 0xf0000;
}

void fake_vm_close(void)
{
    monitors_free();
    chardevs_close_all();
    vm_free(fake.vm);
    region_fini(&rom);
    fake.machine->accel = NULL;
    machine_free(fake.machine);
}

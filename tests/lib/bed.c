/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for one device: tests/lib/bed.h.
 */

#include "tests/lib/bed.h"

#include "base/lock.h"

#include <stdlib.h>

enum { FUZZ_ACCESSES = 200000 };

static Bed *the_bed;

static void line_set(void *opaque, unsigned n, bool level)
{
    Bed *bed = opaque;

    if (level && !(bed->lines >> n & 1)) {
        bed->rises[n]++;
        bed->rose_at[n] = clock_now(bed->machine->clock);
    }
    bed->lines = level ? bed->lines | 1u << n : bed->lines & ~(1u << n);
}

static void message(Machine *machine, gpa address, u32 data)
{
    unsigned slot = the_bed->messages++ % G_N_ELEMENTS(the_bed->msi);

    the_bed->msi[slot].address = address;
    the_bed->msi[slot].data = data;
}

static void requested(Machine *machine, RequestKind kind, int value, const char *cause)
{
    Bed *bed = machine->owner;

    bed->request = kind;
    bed->request_value = value;
    bed->requests++;
}

Bed *bed_new(void)
{
    Bed *bed = g_new0(Bed, 1);

    bed->machine = machine_new();
    bed->machine->owner = bed;
    bed->machine->request = requested;
    for (unsigned i = 0; i < GSI_COUNT; i++) {
        bed->machine->gsi[i] = (Irq){ line_set, bed, i };
    }
    the_bed = bed;
    machine_msi_hook = message;
    return bed;
}

void bed_free(Bed *bed)
{
    machine_msi_hook = NULL;
    machine_free(bed->machine);
    g_free(bed);
}

Device *bed_add(Bed *bed, const DeviceType *type, const char *options)
{
    g_autoptr(GError) err = NULL;
    Device *dev = device_add(bed->machine, type, options, &err);

    g_assert_no_error(err);
    g_assert_nonnull(dev);
    return dev;
}

void bed_refuses(Bed *bed, const DeviceType *type, const char *options,
                 const char *text)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(device_add(bed->machine, type, options, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(err->message, ==, text);
}

u64 mmio_read(Bed *bed, gpa at, unsigned size)
{
    u64 value;

    machine_lock();
    value = space_read(bed->machine->mmio, at, size);
    machine_unlock();
    return value;
}

void mmio_write(Bed *bed, gpa at, u64 value, unsigned size)
{
    machine_lock();
    space_write(bed->machine->mmio, at, value, size);
    machine_unlock();
}

static u64 port_read(Bed *bed, u16 port, unsigned size)
{
    u64 value;

    machine_lock();
    value = space_read(bed->machine->io, port, size);
    machine_unlock();
    return value;
}

static void port_write(Bed *bed, u16 port, u64 value, unsigned size)
{
    machine_lock();
    space_write(bed->machine->io, port, value, size);
    machine_unlock();
}

u8 in8(Bed *bed, u16 port)
{
    return port_read(bed, port, 1);
}

void out8(Bed *bed, u16 port, u8 value)
{
    port_write(bed, port, value, 1);
}

/* ---- time ---- */

void bed_time(Bed *bed, u64 ns)
{
    clock_set(bed->machine->clock, ns);
    machine_lock();
    clock_run_due(bed->machine->clock);
    machine_unlock();
}

void bed_run(Bed *bed, u64 until, u64 step)
{
    u64 now = clock_now(bed->machine->clock);

    while (now < until) {
        now = MIN(now + step, until);
        bed_time(bed, now);
    }
}

/* ---- state ---- */

void bed_round_trip(Device *dev)
{
    g_autoptr(GByteArray) before = g_byte_array_new(), after = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    bool loaded;

    machine_lock();
    device_save(dev, before);
    device_reset(dev);
    loaded = device_load(dev, before->data, before->len, &err);
    g_assert_no_error(err);
    g_assert_true(loaded);
    device_save(dev, after);
    machine_unlock();
    g_assert_cmpmem(before->data, before->len, after->data, after->len);
}

/* ---- fuzzing ---- */

static u64 random64(void)
{
    static const u64 likely[] = { 0, 1, 0x80, 0xff, 0xffff, 0x7fffffff, UINT32_MAX,
                                  UINT64_MAX };
    u64 value = (u64)(u32)g_test_rand_int() << 32 | (u32)g_test_rand_int();

    switch (g_test_rand_int_range(0, 4)) {
    case 0:
        return likely[value % G_N_ELEMENTS(likely)];
    case 1:
        return 1ull << (value % 64);
    default:
        return value;
    }
}

static void fuzz_access(Bed *bed, const BedRange *range)
{
    unsigned size = 1u << g_test_rand_int_range(0, 4);
    gpa at = range->base + (u32)g_test_rand_int() % range->size;
    Space *space = range->mmio ? bed->machine->mmio : bed->machine->io;

    machine_lock();
    if (g_test_rand_bit()) {
        space_write(space, at, random64(), size);
    } else {
        (void)space_read(space, at, size);
    }
    machine_unlock();
}

void bed_fuzz(Bed *bed, Device *dev, const BedRange *range, unsigned n_ranges,
              void (*nudge)(Bed *bed, Device *dev, u32 random))
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 left = FUZZ_ACCESSES * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);
    Clock *clock = bed->machine->clock;

    for (; left; left--) {
        fuzz_access(bed, &range[(u32)g_test_rand_int() % n_ranges]);
        if (left % 64 == 0) {
            bed_time(bed, clock_now(clock) + (u32)g_test_rand_int() % 100000000);
        }
        if (nudge && left % 16 == 0) {
            machine_lock();
            nudge(bed, dev, g_test_rand_int());
            machine_unlock();
        }
        if (left % 1024 == 0) {
            bed_round_trip(dev);
        }
        if (left % 32768 == 0) {
            machine_lock();
            device_reset(dev);
            machine_unlock();
        }
    }
}

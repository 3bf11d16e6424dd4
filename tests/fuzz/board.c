/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole board under fire: q35 with every device that can be added, no CPU, and
 * random reads and writes of all widths to ports, MMIO, configuration space, BARs
 * wherever they were moved, and RAM (what devices then fetch from there).  In between
 * time passes, interrupts are acknowledged, and now and then the machine is reset or
 * every device saved and restored.  The monitor must live, and no access may take long.
 *
 * MAYFLY_FUZZ=N in the environment: N times 200000 accesses.  --seed repeats a run.
 */

#include "base/lock.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "fsdev/share.h"
#include "hw/ide/ide.h"
#include "hw/machine/q35.h"
#include "hw/virtio/devices.h"
#include "tests/lib/chance.h"
#include "tests/lib/driver.h"
#include "tests/lib/fake_render.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ACCESSES = 200000, ROM_BYTES = 256 << 10, BATCH = 64 };
#define RAM (16 * MiB)
/* One access on a loaded machine: longer means that something loops. */
#define LONG_NS (20 * NS_PER_SEC)

static Machine *machine;
static Chance chance;
static unsigned asked[REQUEST_WAKE + 1];
static u64 messages;

/* ---- the board ---- */

static void take_request(Machine *m, RequestKind kind, int value, const char *cause)
{
    (void)m;
    (void)value;
    (void)cause;
    asked[kind]++;
}

static void take_message(Machine *m, gpa address, u32 data)
{
    (void)m;
    (void)address;
    (void)data;
    messages++;
}

/* What a device can't be made without, and what makes it do more. */
static const struct {
    const char *type, *options;
} options_of[] = {
    { "ide-cd", "drive=cd" },
    { "ide-hd", "drive=hd" },
    { "isa-debugcon", "chardev=void" },
    { "isa-serial", "chardev=void,index=2" },
    { "virtio-9p", "fsdev=folder,mount_tag=tag,thread=off,ioeventfd=off" },
    { "virtio-blk", "drive=disk,ioeventfd=off" },
    { "virtio-net", "ioeventfd=off" },
    { "virtio-rng", "max-bytes=100000,period=1000" },
};

static void add_device(const DeviceType *type, const BusType *bus)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVals) kv = NULL;
    const char *options = "";

    for (unsigned i = 0; i < G_N_ELEMENTS(options_of); i++) {
        if (strcmp(options_of[i].type, type->name) == 0) {
            options = options_of[i].options;
        }
    }
    kv = keyvals_parse(options, NULL, &err);
    if (!device_new(machine, type, bus, NULL, kv, &err)) {
        g_error("%s: %s", type->name, err->message);
    }
}

/* Those on buses of the machine, or those on buses that these have brought. */
static void add_devices(bool on_device)
{
    for (const DeviceType *const *type = device_types; *type; type++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(type[0]->bus); i++) {
            const BusType *bus = type[0]->bus[i];
            bool is_port = bus == &virtio_serial_bus || bus == &ide_bus;

            if (bus && !type[0]->board_only && is_port == on_device) {
                add_device(*type, bus);
            }
        }
    }
}

/* The board borrows its configuration. */
static char bios[32];
static const BoardConfig config = {
    .bios = bios, .splash_time = -1, .reboot_timeout = -1, .serial = { "void", "void" },
};

static void make_rom(void)
{
    g_autofree u8 *rom = g_malloc0(ROM_BYTES);
    int fd = memfd_create("rom", 0);

    g_assert_cmpint(write(fd, rom, ROM_BYTES), ==, ROM_BYTES);
    g_snprintf(bios, sizeof bios, "/proc/self/fd/%d", fd);
}

static void open_board(void)
{
    g_autoptr(GError) err = NULL;

    make_rom();
    machine = machine_new();
    machine->ram_bytes = RAM;
    machine->request = take_request;
    machine_msi_hook = take_message;
    machine_lock();
    if (!board_q35_open(machine, &config, &err)) {
        g_error("%s", err->message);
    }
    add_devices(false);
    add_devices(true);
    if (!board_load(machine, &err)) {
        g_error("%s", err->message);
    }
    board_reset(machine);
    machine_unlock();
}

static void close_board(void)
{
    machine_lock();
    board_close(machine);
    machine_unlock();
    machine_free(machine);
    machine_msi_hook = NULL;
}

/* ---- chance ---- */

static u64 next(void)
{
    return chance_next(&chance);
}

static u64 below(u64 n)
{
    return chance_below(&chance, n);
}

/* Mostly numbers that mean something to somebody: flags, addresses, small counts. */
static u64 some_value(void)
{
    switch (below(6)) {
    case 0:
        return below(8);
    case 1:
        return 1ull << below(64);
    case 2:
        return UINT64_MAX << below(64);
    case 3:
        return below(RAM) & ~0xfull;
    default:
        return next();
    }
}

/* ---- accesses ---- */

static void access_space(Space *space, u64 at)
{
    unsigned size = 1u << below(4);

    if (below(2)) {
        (void)space_read(space, at, size);
    } else {
        space_write(space, at, some_value(), size);
    }
}

/* Registers crowd at the start of ranges and are aligned: mostly. */
static u64 some_offset(u64 size)
{
    u64 offset = below(MIN(size, 1ull << (2 + below(10))));

    return below(4) ? offset & -(1ull << below(4)) : below(8) ? offset : below(size);
}

/* A register that is there: any range but RAM and ROM. */
static void access_register(Space *space)
{
    static const u8 devfn[] = { 0x00, 0x08, 0x10, 0x18, 0x20, 0xf8 };
    const FlatView *view = space_view(space);
    const FlatRange *range = &view->range[below(view->n)];

    if (range->region->ops == &pci_ecam_ops) {
        access_space(space, range->base + (devfn[below(sizeof devfn)] << 12) +
                            some_offset(4096));
    } else if (!range->region->host) {
        access_space(space, range->base + some_offset(range->size));
    }
}

static void access_config(void)
{
    u32 devfn = below(2) ? below(6) << 3 : below(256);

    space_write(machine->io, 0xcf8, 0x80000000 | devfn << 8 | below(64) << 2, 4);
    access_space(machine->io, 0xcfc + below(4));
}

static void access_ram(void)
{
    u64 value = some_value();

    g_assert_true(mem_write(machine->mem, below(RAM - 8), &value, 1u << below(4)));
}

static void access_any(void)
{
    switch (below(16)) {
    case 0: case 1:
        access_space(machine->io, below(0x10000));
        break;
    case 2: case 3: case 4: case 5:
        access_register(machine->io);
        break;
    case 6:
        access_config();
        break;
    case 7:
        access_space(machine->mmio, below(4) ? next() & UINT32_MAX : next());
        break;
    case 8: case 9:
        access_ram();
        break;
    default:
        access_register(machine->mmio);
    }
}

/* ---- what happens meanwhile ---- */

static void pass_time(void)
{
    clock_set(machine->clock, clock_now(machine->clock) + (1ull << below(34)));
    clock_run_due(machine->clock);
}

static void round_trip(void)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);
        g_autoptr(GByteArray) saved = g_byte_array_new();
        g_autoptr(GError) err = NULL;

        device_save(dev, saved);
        if (!device_load(dev, saved->data, saved->len, &err)) {
            g_error("%s", err->message);
        }
    }
}

/* A driver with buffers in every ring; what becomes of them is seen by nobody. */
static void wake_virtio(u8 devfn)
{
    Driver d;
    DriverRing ring;

    if (!driver_open(&d, machine, devfn) ||
        !driver_negotiate(&d, F_VERSION_1 | next())) {
        return;
    }
    d.heap = MiB + below(8 * MiB);
    if (d.msix) {
        driver_msix(&d, below(4));
        machine_msi_hook = take_message;
    }
    for (unsigned n = 0; n < MIN(driver_get(&d, NUM_QUEUES), 4); n++) {
        DriverBuf buf[] = { { below(RAM), below(100), false },
                            { below(RAM), below(5000), true } };
        u16 size;

        driver_set(&d, QUEUE_SELECT, n);
        size = driver_get(&d, QUEUE_SIZE);
        if (size && size <= DRIVER_RING_MAX && driver_ring(&d, &ring, n, size)) {
            while (below(size) && ring_add(&ring, buf, 2, below(2)) >= 0) {
            }
            ring_publish(&ring);
            driver_ok(&d);
            ring_notify(&ring);
        }
    }
}

/*
 * What a kernel does before it relies on its timers and interrupts: without it most of
 * the devices sleep, since nobody finds the right order by chance.
 */
static void wake_devices(void)
{
    static const struct { bool mmio; u8 size; u32 at; u64 value; } steps[] = {
        { false, 1, 0x20, 0x11 }, { false, 1, 0x21, 0x20 }, { false, 1, 0x21, 4 },
        { false, 1, 0x21, 1 },    { false, 1, 0x21, 0 },                /* PIC */
        { false, 1, 0xa0, 0x11 }, { false, 1, 0xa1, 0x28 }, { false, 1, 0xa1, 2 },
        { false, 1, 0xa1, 1 },    { false, 1, 0xa1, 0 },
        { false, 1, 0x43, 0x34 }, { false, 1, 0x40, 0 },    { false, 1, 0x40, 16 },
        { false, 1, 0x70, 0x0b }, { false, 1, 0x71, 0x72 },             /* RTC */
        { false, 1, 0x64, 0x60 }, { false, 1, 0x60, 0x47 },             /* i8042 */
        { false, 1, 0x3f9, 0x0f }, { false, 1, 0x3fc, 0x0b },           /* COM1 */
        { true, 4, 0xfed00010, 1 },                                     /* HPET */
        { true, 8, 0xfed00100, 0x4c }, { true, 8, 0xfed00108, 100000 },
        { false, 4, 0xcf8, 0x8000f840 }, { false, 4, 0xcfc, 0x601 },    /* PM */
        { false, 4, 0xcf8, 0x8000f844 }, { false, 1, 0xcfc, 0x80 },
        { false, 4, 0xcf8, 0x80000060 }, { false, 4, 0xcfc, 0xb0000001 },   /* ECAM */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        space_write(steps[i].mmio ? machine->mmio : machine->io, steps[i].at,
                    steps[i].value, steps[i].size);
    }
    for (u32 pin = 0; pin < GSI_COUNT; pin++) {     /* IOAPIC: edge, to vector 48 up */
        space_write(machine->mmio, 0xfec00000, 0x10 + 2 * pin, 4);
        space_write(machine->mmio, 0xfec00010, 0x30 + pin, 4);
    }
    pci_assign(machine->pci, &(PciWindows){
        .io = { 0xc000, 0x10000 }, .mem = { 0xe0000000, 0xfec00000 },
        .mem64 = { 4 * GiB, 8 * GiB } });
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        if (machine->pci->function[devfn]) {
            wake_virtio(devfn);
        }
    }
}

static void meanwhile(void)
{
    unsigned what = below(64);

    if (what == 0 && below(4) == 0) {
        wake_devices();
    } else if (what == 1 && below(16) == 0) {
        board_reset(machine);
    } else if (what == 2 && below(4) == 0) {
        round_trip();
    } else if (what == 3) {
        irq_pulse(&machine->power_button);
    } else if (what < 8) {
        machine->eoi(machine, below(256));
    } else if (what < 16 && machine->pic_pending(machine)) {
        machine->pic_ack(machine);
    } else {
        pass_time();
    }
}

static void batch(void)
{
    u64 start = g_get_monotonic_time();

    machine_lock();
    for (unsigned i = 0; i < BATCH; i++) {
        access_any();
    }
    meanwhile();
    machine_unlock();
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpuint(g_get_monotonic_time() - start, <, LONG_NS / 1000);
}

static void test_board(void)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 accesses = ACCESSES * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);
    u64 done = 0;

    chance = chance_new((u32)g_test_rand_int());
    open_board();
    for (; done < accesses; done += BATCH) {
        batch();
    }
    g_test_message("%" G_GUINT64_FORMAT " accesses, %" G_GUINT64_FORMAT " messages; "
                   "asked for %u resets, %u power-offs, %u exits, %u panics", done,
                   messages, asked[REQUEST_RESET], asked[REQUEST_POWEROFF],
                   asked[REQUEST_EXIT], asked[REQUEST_PANIC]);
    g_assert_cmpuint(messages, >, 0);
    g_assert_cmpuint(asked[REQUEST_RESET], >, 0);
    close_board();
}

int main(int argc, char **argv)
{
    Chardev *sink;

    g_test_init(&argc, &argv, NULL);
    fake_render_install();
    g_assert_true(blockdev_add("null-co,node-name=disk,size=1M", NULL));
    g_assert_true(share_add("local,id=folder,path=.,security_model=none,readonly=on",
                            NULL));
    g_assert_true(blockdev_add("null-co,node-name=hd,size=1M", NULL));
    g_assert_true(blockdev_add("null-co,node-name=cd,size=1M", NULL));
    sink = chardev_new("null,id=void,mux=on", NULL);
    g_assert_nonnull(sink);
    g_test_add_func("/board/random-accesses", test_board);
    return g_test_run();
}

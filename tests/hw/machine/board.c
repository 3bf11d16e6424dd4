/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 board as firmware and drivers meet it: PAM segments (82P35 data sheet,
 * 5.1.16), the reset vector, ACPI power management (ICH9 data sheet, 13.8.3), interrupt
 * wires, and what is set up when a kernel is entered directly.
 */

#include "base/lock.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/lpc.h"
#include "hw/machine/mch.h"
#include "hw/machine/q35.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static Machine *machine;
static char rom_name[32];
static int rom_fd = -1;
static struct { RequestKind kind; unsigned n; } asked;
static struct { unsigned n; u32 data; } sent;

static void take_request(Machine *m, RequestKind kind, int value, const char *cause)
{
    (void)m;
    (void)value;
    (void)cause;
    asked.kind = kind;
    asked.n++;
}

static void take_message(Machine *m, gpa address, u32 data)
{
    (void)m;
    (void)address;
    sent.n++;
    sent.data = data;
}

/* A ROM whose every 16-byte line begins with its number. */
static void make_rom(u32 size)
{
    g_autofree u32 *rom = g_malloc0(size);

    for (u32 i = 0; i < size / 16; i++) {
        rom[4 * i] = i;
    }
    if (rom_fd >= 0) {
        close(rom_fd);
    }
    rom_fd = memfd_create("rom", 0);
    g_assert_cmpint(write(rom_fd, rom, size), ==, size);
    g_snprintf(rom_name, sizeof rom_name, "/proc/self/fd/%d", rom_fd);
}

static void open_board(u64 ram, const BoardConfig *config)
{
    GError *err = NULL;

    machine = machine_new();
    machine->ram_bytes = ram;
    machine->request = take_request;
    machine_msi_hook = take_message;
    memset(&asked, 0, sizeof asked);
    memset(&sent, 0, sizeof sent);
    g_assert_true(board_q35_open(machine, config, &err));
    if (!board_load(machine, &err)) {
        g_error("%s", err->message);
    }
    board_reset(machine);
}

static void set_up(void)
{
    static const BoardConfig config = {
        .bios = rom_name, .splash_time = -1, .reboot_timeout = -1,
    };

    make_rom(256 << 10);
    open_board(16 * MiB, &config);
}

static void tear_down(void)
{
    board_close(machine);
    machine_free(machine);
    machine_msi_hook = NULL;
}

static u32 load(gpa at)
{
    return space_read(machine->mmio, at, 4);
}

static void store(gpa at, u32 value)
{
    space_write(machine->mmio, at, value, 4);
}

static u32 in(u16 port, unsigned n)
{
    return space_read(machine->io, port, n);
}

static void out(u16 port, u32 value, unsigned n)
{
    space_write(machine->io, port, value, n);
}

/* Configuration mechanism 1, as SeaBIOS uses it. */
static u32 config_read(u8 devfn, u8 at, unsigned n)
{
    out(0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc), 4);
    return in(0xcfc + (at & 3), n);
}

static void config_write(u8 devfn, u8 at, u32 value, unsigned n)
{
    out(0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc), 4);
    out(0xcfc + (at & 3), value, n);
}

enum { LPC = 0xf8, ACPI_EN = 0x80 };

/* ---- the host bridge ---- */

static void test_config_ports(void)
{
    set_up();
    g_assert_cmphex(config_read(0, 0, 4), ==, 0x29c08086);
    g_assert_cmphex(config_read(LPC, 0, 4), ==, 0x29188086);
    g_assert_cmphex(config_read(LPC, 0x0e, 1), ==, 0x80);
    g_assert_cmphex(config_read(8, 0, 2), ==, 0xffff);
    out(0xcf8, 0x80000004, 4);
    g_assert_cmphex(in(0xcf8, 4), ==, 0x80000004);
    out(0xcf8, 0x12, 1);                    /* not a dword: not the address register */
    out(0xcfa, 0x3456, 2);
    g_assert_cmphex(in(0xcf8, 4), ==, 0x80000004);
    g_assert_cmphex(in(0xcfd, 1), ==, config_read(0, 5, 1));
    tear_down();
}

static void test_ecam(void)
{
    set_up();
    g_assert_cmphex(load(0xb0000000), ==, 0xffffffff);
    config_write(0, 0x60, 0xb0000001, 4);
    g_assert_cmphex(load(0xb0000000), ==, 0x29c08086);
    g_assert_cmphex(load(0xb0000000 + (LPC << 12)), ==, 0x29188086);
    g_assert_cmphex(load(0xbff00000), ==, 0xffffffff);
    config_write(0, 0x60, 0xc8000003, 4);   /* 128 MiB, at another place */
    g_assert_cmphex(load(0xb0000000), ==, 0xffffffff);
    g_assert_cmphex(load(0xc8000000), ==, 0x29c08086);
    g_assert_null(space_find(machine->mmio, 0xd0000000));
    board_reset(machine);
    g_assert_cmphex(load(0xc8000000), ==, 0xffffffff);
    tear_down();
}

static void test_rom(void)
{
    static const u32 sizes[] = { 64 << 10, 128 << 10, 256 << 10, 16 << 20 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        u32 lines = sizes[i] / 16;

        make_rom(sizes[i]);
        open_board(2 * MiB, &(BoardConfig){ .bios = rom_name });
        g_assert_cmphex(load(0xfffffff0), ==, lines - 1);
        g_assert_cmphex(load(0xffff0), ==, lines - 1);
        g_assert_cmphex(load(4 * GiB - sizes[i]), ==, 0);
        g_assert_cmphex(load(0xe0000), ==, lines < 8192 ? 0xffffffff : lines - 8192);
        store(0xfffffff0, 0x11);
        store(0xffff0, 0x11);
        g_assert_cmphex(load(0xfffffff0), ==, lines - 1);
        g_assert_cmphex(load(0xffff0), ==, lines - 1);
        tear_down();
    }
}

static void refuse_rom(const void *bytes, size_t n, const char *word)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", memfd_create("rom", 0));
    GError *err = NULL;

    g_assert_cmpint(write(atoi(strrchr(name, '/') + 1), bytes, n), ==, n);
    machine = machine_new();
    machine->ram_bytes = 2 * MiB;
    g_assert_true(board_q35_open(machine, &(BoardConfig){ .bios = name }, &err));
    g_assert_false(board_load(machine, &err));
    g_assert_nonnull(strstr(err->message, word));
    g_assert_nonnull(strstr(err->message, name));
    g_clear_error(&err);
    close(atoi(strrchr(name, '/') + 1));
    tear_down();
}

static void test_rom_refused(void)
{
    g_autofree u8 *bytes = g_malloc0((16 << 20) + 65536);

    refuse_rom(bytes, 0, "64 KiB");
    refuse_rom(bytes, 1000, "64 KiB");
    refuse_rom(bytes, 65537, "64 KiB");
    refuse_rom(bytes, (16 << 20) + 65536, "longer");
}

/* Every segment in each of its four modes. */
static void test_pam(void)
{
    static const struct { gpa base; u32 size; u8 reg, shift; } segment[] = {
        { 0xf0000, 0x10000, 0x90, 4 },
        { 0xc0000, 0x4000, 0x91, 0 }, { 0xc4000, 0x4000, 0x91, 4 },
        { 0xc8000, 0x4000, 0x92, 0 }, { 0xcc000, 0x4000, 0x92, 4 },
        { 0xd0000, 0x4000, 0x93, 0 }, { 0xd4000, 0x4000, 0x93, 4 },
        { 0xd8000, 0x4000, 0x94, 0 }, { 0xdc000, 0x4000, 0x94, 4 },
        { 0xe0000, 0x4000, 0x95, 0 }, { 0xe4000, 0x4000, 0x95, 4 },
        { 0xe8000, 0x4000, 0x96, 0 }, { 0xec000, 0x4000, 0x96, 4 },
    };

    set_up();
    for (unsigned i = 0; i < G_N_ELEMENTS(segment); i++) {
        gpa first = segment[i].base, last = first + segment[i].size - 16;
        u32 rom = first < 0xe0000 ? 0xffffffff : 16384 - (0x100000 - first) / 16;
        u32 other = config_read(0, segment[i].reg, 1) & ~(3 << segment[i].shift);

#define MODE(m) config_write(0, segment[i].reg, other | (m) << segment[i].shift, 1)
        MODE(0);
        g_assert_cmphex(load(first), ==, rom);
        store(first, 1);
        MODE(2);                            /* ROM read, RAM written */
        g_assert_cmphex(load(first), ==, rom);
        store(first, 0x1234);
        store(last, 0x5678);
        g_assert_cmphex(load(first), ==, rom);
        MODE(1);                            /* RAM, read only */
        g_assert_cmphex(load(first), ==, 0x1234);
        g_assert_cmphex(load(last), ==, 0x5678);
        store(first, 2);
        g_assert_cmphex(load(first), ==, 0x1234);
        MODE(3);
        g_assert_cmphex(load(first), ==, 0x1234);
        store(first, 3);
        g_assert_cmphex(load(first), ==, 3);
        MODE(0);
        g_assert_cmphex(load(first), ==, rom);
        /* executable memory again: RAM and ROM, not a callback */
        g_assert_true(first < 0xe0000 || space_find(machine->mmio, first)->host);
        MODE(3);
    }
    board_reset(machine);
    g_assert_cmphex(load(0xffff0), ==, 16383);
    tear_down();
}

static void test_display_hole(void)
{
    set_up();
    store(0xa0000, 1);
    g_assert_cmphex(load(0xa0000), ==, 0xffffffff);
    g_assert_cmphex(load(0xbfffc), ==, 0xffffffff);
    store(0x9fffc, 7);
    g_assert_cmphex(load(0x9fffc), ==, 7);
    tear_down();
}

static void test_ram_layout(void)
{
    make_rom(65536);
    open_board(4 * GiB, &(BoardConfig){ .bios = rom_name });
    g_assert_cmphex(machine->ram_below_4g, ==, 2 * GiB);
    store(0x7ffffffc, 1);
    g_assert_cmphex(load(0x7ffffffc), ==, 1);
    g_assert_cmphex(load(0x80000000), ==, 0xffffffff);
    store(6 * GiB - 4, 2);
    g_assert_cmphex(load(6 * GiB - 4), ==, 2);
    g_assert_cmphex(load(6 * GiB), ==, 0xffffffff);
    tear_down();
}

/* ---- power management ---- */

static void pm_on(void)
{
    config_write(LPC, 0x40, 0x601, 4);
    config_write(LPC, 0x44, ACPI_EN, 1);
}

static void test_pm_base(void)
{
    set_up();
    g_assert_cmphex(in(0x604, 4), ==, 0xffffffff);
    pm_on();
    g_assert_cmphex(in(0x604, 4), ==, 0);
    g_assert_cmphex(in(0x630, 4), ==, 0x20);    /* APMC_EN: SMM is not the guest's */
    config_write(LPC, 0x40, 0x1001, 4);
    g_assert_cmphex(in(0x604, 4), ==, 0xffffffff);
    g_assert_cmphex(in(0x1030, 4), ==, 0x20);
    tear_down();
}

/* 3579545 Hz, 24 bits; bit 23's changes are reported, and interrupt when enabled. */
static void test_pm_timer(void)
{
    set_up();
    pm_on();
    clock_set(machine->clock, NS_PER_SEC);
    g_assert_cmpuint(in(0x608, 4), ==, 3579545);
    g_assert_cmpuint(in(0x609, 1), ==, 3579545 >> 8 & 0xff);
    clock_set(machine->clock, 10 * NS_PER_SEC);
    g_assert_cmpuint(in(0x608, 4), ==, 35795450 % (1 << 24));
    g_assert_cmphex(in(0x600, 2) & 1, ==, 1);
    out(0x600, 1, 2);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 0);
    /* the next change of bit 23 is at 5 * 2^23 ticks */
    clock_set(machine->clock, 5 * 8388608ull * NS_PER_SEC / 3579545 - 1000);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 0);
    clock_set(machine->clock, 5 * 8388608ull * NS_PER_SEC / 3579545 + 1000);
    g_assert_cmphex(in(0x600, 2) & 1, ==, 1);
    tear_down();
}

static void test_power_button(void)
{
    Q35 *q35;

    set_up();
    q35 = q35_of(machine);
    pm_on();
    out(0x602, 0x100, 2);
    irq_pulse(&machine->power_button);
    g_assert_cmphex(in(0x600, 2) & 0x100, ==, 0x100);
    g_assert_false(q35->gsi[9]);
    out(0xb2, 2, 1);                        /* ACPI on: SCI may come */
    g_assert_cmphex(in(0x604, 2), ==, 1);
    g_assert_true(q35->gsi[9]);
    out(0x600, 0x100, 2);
    g_assert_false(q35->gsi[9]);
    out(0xb2, 3, 1);
    g_assert_cmphex(in(0x604, 2), ==, 0);
    tear_down();
}

static void test_power_off(void)
{
    set_up();
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
    tear_down();
}

static void test_reset_register(void)
{
    set_up();
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
    tear_down();
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
    set_up();
    for (unsigned i = 0; i < 8; i++) {
        route_pin(16 + i, 0x40 + i);
    }
    for (unsigned i = 0; i < 8; i++) {
        irq_set(&machine->pci->line[i], true);
        g_assert_cmpuint(sent.n, ==, i + 1);
        g_assert_cmphex(sent.data & 0xff, ==, 0x40 + i);
        irq_set(&machine->pci->line[i], false);
        machine->eoi(machine, 0x40 + i);
    }
    /* the data sheet's rotation for slots, and pins A to D of the chipset's own */
    g_assert_cmpuint(machine->pci->route(1, 0), ==, 5);
    g_assert_cmpuint(machine->pci->route(3, 1), ==, 4);
    g_assert_cmpuint(machine->pci->route(31, 2), ==, 2);
    tear_down();
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
    set_up();
    pic_on(1 << 11);
    out(0x4d1, 0x08, 1);
    irq_set(&machine->pci->line[3], true);
    g_assert_false(machine->pic_pending(machine));
    config_write(LPC, 0x63, 11, 1);
    g_assert_true(machine->pic_pending(machine));
    g_assert_cmphex(machine->pic_ack(machine), ==, 0x73);
    irq_set(&machine->pci->line[3], false);
    out(0xa0, 0x20, 1), out(0x20, 0x20, 1);
    g_assert_false(machine->pic_pending(machine));
    config_write(LPC, 0x6a, 11, 1);         /* PIRQ G shares the input */
    irq_set(&machine->pci->line[6], true);
    irq_set(&machine->pci->line[3], true);
    irq_set(&machine->pci->line[6], false);
    g_assert_true(machine->pic_pending(machine));
    config_write(LPC, 0x63, 0x80, 1);
    g_assert_false(machine->pic_pending(machine));
    tear_down();
}

/* MADT: GSI 0 arrives at pin 2, and at input 0 of the PIC. */
static void test_timer_pin(void)
{
    set_up();
    route_pin(2, 0x30);
    pic_on(1 << 0);
    machine_gsi(machine, 0, true);
    g_assert_cmphex(sent.data & 0xff, ==, 0x30);
    g_assert_true(machine->pic_pending(machine));
    tear_down();
}

/* ---- without firmware ---- */

static const char *stub_kernel(void)
{
    static char name[32];
    u8 raw[64] = { 0xb0 };
    u32 header[8] = { 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100020, 0x100000,
                      0, 0, 0x100000 };
    int fd = memfd_create("kernel", 0);

    memcpy(raw + 0x20, header, sizeof header);
    g_assert_cmpint(write(fd, raw, sizeof raw), ==, sizeof raw);
    g_snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return name;
}

static void test_direct(void)
{
    open_board(64 * MiB, &(BoardConfig){ .kernel = stub_kernel() });
    for (unsigned round = 0; round < 2; round++) {
        char rsdp[8];

        g_assert_cmphex(load(0xb0000000), ==, 0x29c08086);
        g_assert_cmphex(in(0x630, 4), ==, 0x20);
        g_assert_cmphex(config_read(LPC, 0x60, 1), ==, 10);
        g_assert_true(mem_read(machine->mem, 0xf0000, rsdp, 8));
        g_assert_cmpmem(rsdp, 8, "RSD PTR ", 8);
        g_assert_cmphex(load(0xf0000), ==, 0x20445352);
        g_assert_cmphex(load(0xf0040), ==, 0x334d535f);     /* _SM3_ */
        g_assert_cmphex(load(0x100000) & 0xff, ==, 0xb0);
        store(0x100000, 0);
        store(0xf0000, 0);
        g_assert_cmphex(load(0xf0000), ==, 0);          /* RAM that can be written */
        board_reset(machine);
    }
    tear_down();
}

/*
 * CMOS as SeaBIOS reads it: memory, processors, and the drives in order of preference.
 */
static u8 cmos(u8 at)
{
    out(0x70, at, 1);
    return in(0x71, 1);
}

static void test_cmos(void)
{
    BoardConfig config = { .bios = rom_name, .boot_order = "dcn" };

    make_rom(65536);
    open_board(3 * GiB, &config);
    g_assert_cmphex(cmos(0x15) | cmos(0x16) << 8, ==, 640);
    g_assert_cmphex(cmos(0x30) | cmos(0x31) << 8, ==, 0xffff);
    g_assert_cmphex(cmos(0x34) | cmos(0x35) << 8, ==, (2 * GiB - 16 * MiB) / 65536);
    g_assert_cmphex(cmos(0x5b) | cmos(0x5c) << 8, ==, GiB / 65536);
    g_assert_cmphex(cmos(0x5f), ==, 0);
    g_assert_cmphex(cmos(0x3d), ==, 0x23);
    g_assert_cmphex(cmos(0x38) & 0xf0, ==, 0x40);
    config.boot_order = "a";
    board_reset(machine);
    g_assert_cmphex(cmos(0x3d), ==, 0x01);
    g_assert_cmphex(cmos(0x38) & 0xf0, ==, 0);
    tear_down();
}

static void refuse(u64 ram, const BoardConfig *config, const char *word)
{
    GError *err = NULL;

    machine = machine_new();
    machine->ram_bytes = ram;
    if (board_q35_open(machine, config, &err)) {
        g_assert_false(board_load(machine, &err));
    }
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in '%s'", word, err->message);
    }
    g_error_free(err);
    tear_down();
}

static void test_refused(void)
{
    static const char *const bad_type[] = { "type=77", NULL };
    static const char *const bad_field[] = { "type=1,colour=red", NULL };
    static const char *const bad_item[] = { "name=opt/x", NULL };

    refuse(512 * KiB, &(BoardConfig){ .bios = rom_name }, "1 MiB");
    refuse(1 * MiB, &(BoardConfig){ .kernel = stub_kernel() }, "2 MiB");
    refuse(16 * MiB, &(BoardConfig){ .append = "x" }, "-append");
    refuse(16 * MiB, &(BoardConfig){ .initrd = "x" }, "-initrd");
    refuse(16 * MiB, &(BoardConfig){ .bios = "no-such-bios" }, "no-such-bios");
    refuse(16 * MiB, &(BoardConfig){ .bios = "/no/such/bios" }, "No such file");
    refuse(16 * MiB, &(BoardConfig){ .smbios = bad_type }, "77");
    refuse(16 * MiB, &(BoardConfig){ .smbios = bad_field }, "colour");
    refuse(16 * MiB, &(BoardConfig){ .fw_cfg = bad_item }, "opt/x");
    refuse(16 * MiB, &(BoardConfig){ .rtc = "base=never" }, "never");
}

/*
 * Every device saved after use, loaded into a fresh board, saved again: the same bytes.
 */
static void test_save(void)
{
    g_autoptr(GPtrArray) saved = g_ptr_array_new_with_free_func((GDestroyNotify)
                                                                g_byte_array_unref);
    set_up();
    pm_on();
    config_write(0, 0x60, 0xb0000001, 4);
    config_write(0, 0x90, 0x30, 1);
    config_write(LPC, 0x63, 11, 1);
    irq_set(&machine->pci->line[3], true);
    for (guint i = 0; i < machine->devices->len; i++) {
        GByteArray *bytes = g_byte_array_new();

        device_save(g_ptr_array_index(machine->devices, i), bytes);
        g_ptr_array_add(saved, bytes);
    }
    tear_down();
    set_up();
    for (guint i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);
        GByteArray *bytes = g_ptr_array_index(saved, i);
        GError *err = NULL;

        if (!device_load(dev, bytes->data, bytes->len, &err)) {
            g_error("%s: %s", dev->path, err->message);
        }
    }
    g_assert_cmphex(load(0xb0000000), ==, 0x29c08086);
    store(0xffff0, 5);
    g_assert_cmphex(load(0xffff0), ==, 5);
    g_assert_cmphex(in(0x630, 4), ==, 0x20);
    g_assert_true(q35_of(machine)->pirq[11]);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/board/config-ports", test_config_ports);
    g_test_add_func("/board/ecam", test_ecam);
    g_test_add_func("/board/rom", test_rom);
    g_test_add_func("/board/rom-refused", test_rom_refused);
    g_test_add_func("/board/pam", test_pam);
    g_test_add_func("/board/display-hole", test_display_hole);
    g_test_add_func("/board/ram-layout", test_ram_layout);
    g_test_add_func("/board/pm/base", test_pm_base);
    g_test_add_func("/board/pm/timer", test_pm_timer);
    g_test_add_func("/board/pm/power-button", test_power_button);
    g_test_add_func("/board/pm/power-off", test_power_off);
    g_test_add_func("/board/reset-register", test_reset_register);
    g_test_add_func("/board/irq/pirq", test_pirq);
    g_test_add_func("/board/irq/pirq-to-pic", test_pirq_to_pic);
    g_test_add_func("/board/irq/timer-pin", test_timer_pin);
    g_test_add_func("/board/cmos", test_cmos);
    g_test_add_func("/board/direct", test_direct);
    g_test_add_func("/board/refused", test_refused);
    g_test_add_func("/board/save", test_save);
    return g_test_run();
}

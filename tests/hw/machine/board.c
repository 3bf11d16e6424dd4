/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 board as firmware meets it: PAM segments (82P35 data sheet, 5.1.16), the ROM
 * at the reset vector, CMOS, and what is set up when a kernel is entered directly.
 */

#include "base/lock.h"
#include "tests/lib/board_bed.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the host bridge ---- */

static void test_config_ports(void)
{
    board_up();
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
    board_down();
}

static void test_ecam(void)
{
    board_up();
    g_assert_cmphex(load(0xb0000000), ==, 0xffffffff);
    config_write(0, 0x60, 0xb0000001, 4);
    g_assert_cmphex(load(0xb0000000), ==, 0x29c08086);
    g_assert_cmphex(load(0xb0000000 + (LPC << 12)), ==, 0x29188086);
    g_assert_cmphex(load(0xbff00000), ==, 0xffffffff);
    config_write(0, 0x60, 0xc8000003, 4);   /* 128 MiB, at another place */
    g_assert_cmphex(load(0xb0000000), ==, 0xffffffff);
    g_assert_cmphex(load(0xc8000000), ==, 0x29c08086);
    g_assert_null(space_find(board_pc->mmio, 0xd0000000));
    board_reset(board_pc);
    g_assert_cmphex(load(0xc8000000), ==, 0xffffffff);
    board_down();
}

static void test_rom(void)
{
    static const u32 sizes[] = { 64 << 10, 128 << 10, 256 << 10, 16 << 20 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        u32 lines = sizes[i] / 16;

        make_rom(sizes[i]);
        board_with(2 * MiB, &(BoardConfig){ .bios = rom_name });
        g_assert_cmphex(load(0xfffffff0), ==, lines - 1);
        g_assert_cmphex(load(0xffff0), ==, lines - 1);
        g_assert_cmphex(load(4 * GiB - sizes[i]), ==, 0);
        g_assert_cmphex(load(0xe0000), ==, lines < 8192 ? 0xffffffff : lines - 8192);
        store(0xfffffff0, 0x11);
        store(0xffff0, 0x11);
        g_assert_cmphex(load(0xfffffff0), ==, lines - 1);
        g_assert_cmphex(load(0xffff0), ==, lines - 1);
        board_down();
    }
}

static void refuse_rom(const void *bytes, size_t n, const char *word)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", memfd_create("rom", 0));
    BoardConfig config = { .bios = name };
    GError *err = NULL;

    g_assert_cmpint(write(atoi(strrchr(name, '/') + 1), bytes, n), ==, n);
    board_pc = machine_new();
    board_pc->ram_bytes = 2 * MiB;
    g_assert_true(board_q35_open(board_pc, &config, &err));
    g_assert_false(board_load(board_pc, &err));
    g_assert_nonnull(strstr(err->message, word));
    g_assert_nonnull(strstr(err->message, name));
    g_clear_error(&err);
    close(atoi(strrchr(name, '/') + 1));
    board_down();
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

    board_up();
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
        g_assert_true(first < 0xe0000 || space_find(board_pc->mmio, first)->host);
        MODE(3);
    }
    board_reset(board_pc);
    g_assert_cmphex(load(0xffff0), ==, 16383);
    board_down();
}

static void test_display_hole(void)
{
    board_up();
    store(0xa0000, 1);
    g_assert_cmphex(load(0xa0000), ==, 0xffffffff);
    g_assert_cmphex(load(0xbfffc), ==, 0xffffffff);
    store(0x9fffc, 7);
    g_assert_cmphex(load(0x9fffc), ==, 7);
    board_down();
}

static void test_ram_layout(void)
{
    make_rom(65536);
    board_with(4 * GiB, &(BoardConfig){ .bios = rom_name });
    g_assert_cmphex(board_pc->ram_below_4g, ==, 2 * GiB);
    store(0x7ffffffc, 1);
    g_assert_cmphex(load(0x7ffffffc), ==, 1);
    g_assert_cmphex(load(0x80000000), ==, 0xffffffff);
    store(6 * GiB - 4, 2);
    g_assert_cmphex(load(6 * GiB - 4), ==, 2);
    g_assert_cmphex(load(6 * GiB), ==, 0xffffffff);
    board_down();
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
    board_with(64 * MiB, &(BoardConfig){ .kernel = stub_kernel() });
    for (unsigned round = 0; round < 2; round++) {
        char rsdp[8];

        g_assert_cmphex(load(0xb0000000), ==, 0x29c08086);
        g_assert_cmphex(in(0x630, 4), ==, 0x20);
        g_assert_cmphex(config_read(LPC, 0x60, 1), ==, 10);
        g_assert_true(mem_read(board_pc->mem, 0xf0000, rsdp, 8));
        g_assert_cmpmem(rsdp, 8, "RSD PTR ", 8);
        g_assert_cmphex(load(0xf0000), ==, 0x20445352);
        g_assert_cmphex(load(0xf0040), ==, 0x334d535f);     /* _SM3_ */
        g_assert_cmphex(load(0x100000) & 0xff, ==, 0xb0);
        store(0x100000, 0);
        store(0xf0000, 0);
        g_assert_cmphex(load(0xf0000), ==, 0);          /* RAM that can be written */
        board_reset(board_pc);
    }
    board_down();
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
    board_with(3 * GiB, &config);
    g_assert_cmphex(cmos(0x15) | cmos(0x16) << 8, ==, 640);
    g_assert_cmphex(cmos(0x30) | cmos(0x31) << 8, ==, 0xffff);
    g_assert_cmphex(cmos(0x34) | cmos(0x35) << 8, ==, (2 * GiB - 16 * MiB) / 65536);
    g_assert_cmphex(cmos(0x5b) | cmos(0x5c) << 8, ==, GiB / 65536);
    g_assert_cmphex(cmos(0x5f), ==, 0);
    g_assert_cmphex(cmos(0x3d), ==, 0x23);
    g_assert_cmphex(cmos(0x38) & 0xf0, ==, 0x40);
    config.boot_order = "a";
    board_reset(board_pc);
    g_assert_cmphex(cmos(0x3d), ==, 0x01);
    g_assert_cmphex(cmos(0x38) & 0xf0, ==, 0);
    board_down();
}

static void refuse(u64 ram, const BoardConfig *config, const char *word)
{
    GError *err = NULL;

    board_pc = machine_new();
    board_pc->ram_bytes = ram;
    if (board_q35_open(board_pc, config, &err)) {
        g_assert_false(board_load(board_pc, &err));
    }
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in '%s'", word, err->message);
    }
    g_error_free(err);
    board_down();
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
    board_up();
    pm_on();
    config_write(0, 0x60, 0xb0000001, 4);
    config_write(0, 0x90, 0x30, 1);
    config_write(LPC, 0x63, 11, 1);
    irq_set(&board_pc->pci->line[3], true);
    for (guint i = 0; i < board_pc->devices->len; i++) {
        GByteArray *bytes = g_byte_array_new();

        device_save(g_ptr_array_index(board_pc->devices, i), bytes);
        g_ptr_array_add(saved, bytes);
    }
    board_down();
    board_up();
    for (guint i = 0; i < board_pc->devices->len; i++) {
        Device *dev = g_ptr_array_index(board_pc->devices, i);
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
    g_assert_true(q35_of(board_pc)->pirq[11]);
    board_down();
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
    g_test_add_func("/board/cmos", test_cmos);
    g_test_add_func("/board/direct", test_direct);
    g_test_add_func("/board/refused", test_refused);
    g_test_add_func("/board/save", test_save);
    return g_test_run();
}

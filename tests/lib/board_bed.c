/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A q35 board with a ROM of numbers: see board_bed.h.
 */

#include "tests/lib/board_bed.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Machine *board_pc;
char rom_name[32];
static int rom_fd = -1;
struct board_asked asked;
struct board_sent sent;

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
void make_rom(u32 size)
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

void board_with(u64 ram, const BoardConfig *config)
{
    GError *err = NULL;

    board_pc = machine_new();
    board_pc->ram_bytes = ram;
    board_pc->request = take_request;
    machine_msi_hook = take_message;
    memset(&asked, 0, sizeof asked);
    memset(&sent, 0, sizeof sent);
    g_assert_true(board_q35_open(board_pc, config, &err));
    if (!board_load(board_pc, &err)) {
        g_error("%s", err->message);
    }
    board_reset(board_pc);
}

void board_up(void)
{
    static const BoardConfig config = {
        .bios = rom_name, .splash_time = -1, .reboot_timeout = -1,
    };

    make_rom(256 << 10);
    board_with(16 * MiB, &config);
}

void board_down(void)
{
    board_close(board_pc);
    machine_free(board_pc);
    machine_msi_hook = NULL;
}

u32 load(gpa at)
{
    return space_read(board_pc->mmio, at, 4);
}

void store(gpa at, u32 value)
{
    space_write(board_pc->mmio, at, value, 4);
}

u32 in(u16 port, unsigned n)
{
    return space_read(board_pc->io, port, n);
}

void out(u16 port, u32 value, unsigned n)
{
    space_write(board_pc->io, port, value, n);
}

/* Configuration mechanism 1, as SeaBIOS uses it. */
u32 config_read(u8 devfn, u8 at, unsigned n)
{
    out(0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc), 4);
    return in(0xcfc + (at & 3), n);
}

void config_write(u8 devfn, u8 at, u32 value, unsigned n)
{
    out(0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc), 4);
    out(0xcfc + (at & 3), value, n);
}

void pm_on(void)
{
    config_write(LPC, 0x40, 0x601, 4);
    config_write(LPC, 0x44, ACPI_EN, 1);
}

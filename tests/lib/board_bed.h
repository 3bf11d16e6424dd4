/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A q35 board without an accelerator, and the accesses of a CPU: what the tests of the
 * board share.  One board at a time.
 */

#ifndef TESTS_LIB_BOARD_BED_H
#define TESTS_LIB_BOARD_BED_H

#include "hw/machine/q35.h"

extern Machine *board_pc;
/*
 * What the board asked of the machine, and messages to LAPICs: the last one, and how
 * many.
 */
extern struct board_asked { RequestKind kind; unsigned n; } asked;
extern struct board_sent { unsigned n; u32 data; } sent;

/* A ROM whose every 16-byte line begins with its number; rom_name is its file. */
extern char rom_name[32];
void make_rom(u32 size);

/* A board that has been reset once; set_up's has 16 MiB and a ROM of 256 KiB. */
void board_with(u64 ram, const BoardConfig *config);
void board_up(void);
void board_down(void);

/* Memory by 32 bits, ports, and configuration mechanism 1 as SeaBIOS uses it. */
u32 load(gpa at);
void store(gpa at, u32 value);
u32 in(u16 port, unsigned n);
void out(u16 port, u32 value, unsigned n);
u32 config_read(u8 devfn, u8 at, unsigned n);
void config_write(u8 devfn, u8 at, u32 value, unsigned n);

/* Power management is decoded at 0x600. */
enum { LPC = 0xf8, ACPI_EN = 0x80 };
void pm_on(void);

#endif

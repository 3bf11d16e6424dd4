/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels for loaders: see kernels.h.
 */

#include "tests/lib/kernels.h"

#include "base/bytes.h"

#include <sys/mman.h>
#include <unistd.h>

Machine *pc;
Boot *boot;
X86State state;

/* A file in memory; its name is good until the next call with the same slot. */
const char *file_of(unsigned slot, const void *bytes, size_t n)
{
    static int fd[4] = { -1, -1, -1, -1 };
    static char name[4][32];

    if (fd[slot] >= 0) {
        close(fd[slot]);
    }
    fd[slot] = memfd_create("kernel", 0);
    g_assert_cmpint(write(fd[slot], bytes, n), ==, n);
    g_snprintf(name[slot], sizeof name[slot], "/proc/self/fd/%d", fd[slot]);
    return name[slot];
}

void kernels_open(void)
{
    GError *err = NULL;

    pc = machine_new();
    pc->ram_bytes = pc->ram_below_4g = RAM;
    g_assert_true(mem_add_ram(pc->mem, pc->mmio, "ram", 0, RAM, &err));
}

void kernels_close(void)
{
    g_clear_pointer(&boot, boot_free);
    machine_free(pc);
}

bool try(const BoardConfig *config, GError **err)
{
    g_clear_pointer(&boot, boot_free);
    boot = boot_new(pc, config, ACPI_AT, 0x10000, RSDP);
    return boot_load(boot, err);
}

/* Loads, resets, and leaves the CPU's state in `state`. */
void enter(const BoardConfig *config)
{
    GError *err = NULL;

    g_assert_true(try(config, &err) || (g_test_message("%s", err->message), false));
    g_assert_true(boot_write(boot, &err));
    x86_state_reset(&state, 0, true);
    boot_state(boot, 0, &state);
}

void refuse(const BoardConfig *config, const char *word)
{
    GError *err = NULL;

    g_assert_false(try(config, &err));
    g_assert_nonnull(err);
    g_test_message("%s", err->message);
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in: %s", word, err->message);
    }
    g_assert_null(strchr(err->message, '\n'));
    g_error_free(err);
}

u64 word(gpa at, unsigned n)
{
    u64 value = 0;

    g_assert_true(mem_read(pc->mem, at, &value, n));
    return value;
}

void check_text(gpa at, const char *text)
{
    g_autofree char *there = g_malloc(strlen(text) + 1);

    g_assert_true(mem_read(pc->mem, at, there, strlen(text) + 1));
    g_assert_cmpstr(there, ==, text);
}

void check_flat(bool wide)
{
    g_assert_cmphex(state.segs.base[SEG_CS], ==, 0);
    g_assert_cmphex(state.segs.limit[SEG_CS], ==, 0xffffffff);
    g_assert_cmphex(!(state.segs.attr[SEG_CS] & SEG_L), ==, !wide);
    g_assert_cmphex(!(state.segs.attr[SEG_CS] & SEG_DB), ==, wide);
    g_assert_cmphex(state.segs.limit[SEG_DS], ==, 0xffffffff);
    g_assert_cmphex(state.regs.rflags & FLAG_IF, ==, 0);
    g_assert_cmphex(state.control.cr0 & CR0_PE, ==, CR0_PE);
    g_assert_cmphex(!(state.control.cr0 & CR0_PG), ==, !wide);
    g_assert_cmphex(!(state.control.efer & EFER_LMA), ==, !wide);
    /* the descriptor in memory says what the register holds: flat code, 0xcf or 0xaf */
    g_assert_cmphex(word(state.segs.gdt_base + state.segs.selector[SEG_CS], 8), ==,
                    wide ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    g_assert_cmphex(word(state.segs.gdt_base + state.segs.selector[SEG_DS], 8), ==,
                    0x00cf93000000ffff);
}

/* ---- what kernels look like ---- */

/* Version 2.15, one setup sector, 64-bit entry, relocatable, 16 MiB preferred. */
void make_bz(u8 *bz)
{
    memset(bz, 0, SETUP);
    memset(bz + SETUP, 0x90, PAYLOAD);
    bz[0x1f1] = 1;
    put32(bz + 0x1f4, PAYLOAD / 16);
    put16(bz + 0x1fe, 0xaa55);
    bz[0x201] = 0x6c;
    memcpy(bz + 0x202, "HdrS", 4);
    put16(bz + 0x206, 0x20f);
    bz[0x211] = 1;
    put32(bz + 0x22c, 0x7fffffff);
    put32(bz + 0x230, 0x200000);
    bz[0x234] = 1;
    put16(bz + 0x236, 1);
    put32(bz + 0x238, 255);
    put64(bz + 0x258, 0x1000000);
    put32(bz + 0x260, 0x800000);
}

/*
 * One segment of 0x100 file bytes and 0x3000 in memory at 2 MiB, and a note with the
 * entry.
 */
void make_elf(u8 *elf, bool wide)
{
    unsigned table = wide ? 64 : 52, size = wide ? 56 : 32;
    u8 *load = elf + table, *note = load + size;

    memset(elf, 0, ELF_BYTES);
    memcpy(elf, "\177ELF", 4);
    elf[4] = wide ? 2 : 1;
    elf[5] = elf[6] = 1;
    put16(elf + 16, 2);
    put16(elf + 18, wide ? 62 : 3);
    put32(elf + 20, 1);
    put32(elf + 24, LOAD);
    put32(elf + (wide ? 32 : 28), table);
    put16(elf + (wide ? 54 : 42), size);
    put16(elf + (wide ? 56 : 44), 2);
    put32(load, 1);
    put32(note, 4);
    if (wide) {
        put64(load + 8, CODE_AT), put64(load + 24, LOAD);
        put64(load + 32, 0x100), put64(load + 40, 0x3000);
        put64(note + 8, NOTE_AT), put64(note + 32, 20);
    } else {
        put32(load + 4, CODE_AT), put32(load + 12, LOAD);
        put32(load + 16, 0x100), put32(load + 20, 0x3000);
        put32(note + 4, NOTE_AT), put32(note + 16, 20);
    }
    put32(elf + NOTE_AT, 4);
    put32(elf + NOTE_AT + 4, 4);
    put32(elf + NOTE_AT + 8, 18);
    memcpy(elf + NOTE_AT + 12, "Xen", 4);
    put32(elf + NOTE_AT + 16, LOAD + 0x10);
    memset(elf + CODE_AT, 0xcc, 0x100);
}

void make_header(u8 *at, u32 flags)
{
    put32(at, 0x1badb002);
    put32(at + 4, flags);
    put32(at + 8, -(0x1badb002 + flags));
}

/* The header tells: bytes from 0x40 before it on, to 2 MiB, with bss. */
void make_raw(u8 *raw, size_t n)
{
    u8 *header = raw + 0x140;

    memset(raw, 0xcc, n);
    make_header(header, 0x10003);
    put32(header + 12, LOAD + 0x40);
    put32(header + 16, LOAD);
    put32(header + 20, LOAD + 0x200);
    put32(header + 24, LOAD + 0x400);
    put32(header + 28, LOAD + 0x80);
}

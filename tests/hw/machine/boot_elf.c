/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels with a PVH note and multiboot kernels (0.6.96): what they find in memory
 * and registers, and files that lie.
 */

#include "base/bytes.h"
#include "base/lock.h"
#include "hw/machine/e820.h"
#include "tests/lib/kernels.h"

static void test_pvh(void)
{
    u8 elf[ELF_BYTES];

    kernels_open();
    for (unsigned wide = 0; wide < 2; wide++) {
        gpa info, module;

        make_elf(elf, wide);
        space_write(pc->mmio, LOAD + 0x200, ~0ull, 8);
        enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES), .append = "a b",
                              .initrd = file_of(1, "ramdisk", 7) });
        check_flat(false);
        info = state.regs.gpr[RBX];
        g_assert_cmphex(state.regs.rip, ==, LOAD + 0x10);
        g_assert_cmphex(word(LOAD, 8), ==, 0xcccccccccccccccc);
        g_assert_cmphex(word(LOAD + 0x200, 8), ==, 0);      /* bss is cleared */
        g_assert_cmphex(state.segs.limit[SEG_TR], ==, 0x67);
        g_assert_cmphex(word(info, 4), ==, 0x336ec578);
        g_assert_cmphex(word(info + 4, 4), ==, 1);
        g_assert_cmphex(word(info + 12, 4), ==, 1);
        module = word(info + 16, 8);
        g_assert_cmphex(word(module + 8, 8), ==, 7);
        g_assert_cmphex(word(word(module, 8), 7), ==, 0x6b7369646d6172);
        check_text(word(info + 24, 8), "a b");
        g_assert_cmphex(word(info + 32, 8), ==, RSDP);
        g_assert_cmphex(word(info + 48, 4), ==, boot->e820->len);
        g_assert_cmphex(word(word(info + 40, 8) + 8, 8), ==, 0x9fc00);
    }
    kernels_close();
}

static void test_elf_refused(void)
{
    u8 elf[ELF_BYTES], good[ELF_BYTES];

    kernels_open();
    make_elf(good, true);
#undef WITH
#define WITH(change, why)                                                           \
    memcpy(elf, good, ELF_BYTES);                                                   \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) }, why)

    WITH(elf[4] = 3, "another kind");
    WITH(elf[5] = 2, "another kind");
    WITH(put16(elf + 18, 40), "another kind");
    WITH(put16(elf + 16, 1), "executable");
    WITH(put16(elf + 56, 0), "segments");
    WITH(put16(elf + 56, 0xffff), "segments");
    WITH(put16(elf + 54, 32), "segments");
    WITH(put64(elf + 32, ELF_BYTES - 10), "truncated");
    WITH(put64(elf + 32, ~0ull), "truncated");
    WITH(put64(elf + 64 + 8, ~0ull - 8), "segment 0");
    WITH(put64(elf + 64 + 32, ELF_BYTES), "segment 0");
    WITH(put64(elf + 64 + 40, 0x80), "segment 0");
    WITH(put64(elf + 64 + 40, ~0ull), "more memory");
    WITH(put64(elf + 64 + 40, RAM), "more memory");
    WITH(put64(elf + 64 + 24, 0xffffffff80000000), "more memory");
    WITH(put64(elf + 64 + 24, 0xa0000), "display memory");
    WITH(put64(elf + 64 + 24, 0x9f000), "display memory");
    WITH(put32(elf + NOTE_AT + 16, 0x1000), "not in any segment");
    WITH(put32(elf + NOTE_AT + 8, 17), "PVH");
    WITH(put32(elf + NOTE_AT + 4, 0xffffffff), "PVH");
    WITH(put32(elf + NOTE_AT, 0xffffffff), "PVH");
    WITH(put32(elf + 64, 7), "anything to load");
    /* the note as a second segment over the first */
    WITH((put32(elf + 120, 1), put64(elf + 120 + 24, LOAD + 0x2fff),
          put64(elf + 120 + 40, 0x100)), "PVH");
    kernels_close();
}

static void test_elf_overlap(void)
{
    u8 elf[ELF_BYTES];
    u8 *third = elf + 64 + 2 * 56;

    kernels_open();
    make_elf(elf, true);
    put16(elf + 56, 3);
    memcpy(third, elf + 64, 56);
    put64(third + 24, LOAD + 0x2fff);
    refuse(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) }, "over a segment");
    put64(third + 24, LOAD + 0x3000);
    enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) });
    g_assert_cmphex(word(LOAD + 0x3000, 8), ==, 0xcccccccccccccccc);
    kernels_close();
}

/* ---- multiboot ---- */

static void test_multiboot_elf(void)
{
    u8 elf[ELF_BYTES];
    gpa info, module;
    g_autofree char *modules = NULL, *cmdline = NULL;

    kernels_open();
    make_elf(elf, false);
    make_header(elf + CODE_AT + 0x20, 3);
    file_of(1, "first", 5);
    modules = g_strdup_printf("%s one two,%s", file_of(1, "first", 5),
                              file_of(2, "2", 1));
    enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES), .append = "x=y",
                          .initrd = modules });
    check_flat(false);
    g_assert_cmphex(state.regs.gpr[RAX], ==, 0x2badb002);
    g_assert_cmphex(state.regs.rip, ==, LOAD);
    info = state.regs.gpr[RBX];
    g_assert_cmphex(word(info, 4) & 0x4d, ==, 0x4d);
    g_assert_cmpuint(word(info + 4, 4), ==, 639);
    g_assert_cmpuint(word(info + 8, 4), ==, (ACPI_AT - 0x100000) / 1024);
    cmdline = g_strdup_printf("%s x=y", boot->kernel);
    check_text(word(info + 16, 4), cmdline);
    g_assert_cmpuint(word(info + 20, 4), ==, 2);
    module = word(info + 24, 4);
    g_assert_cmphex(word(module, 4) & 0xfff, ==, 0);
    g_assert_cmphex(word(module + 4, 4) - word(module, 4), ==, 5);
    g_assert_cmphex(word(word(module, 4), 5), ==, 0x7473726966);
    *strchr(modules, ',') = '\0';
    check_text(word(module + 8, 4), modules);
    g_assert_cmphex(word(word(module + 16, 4), 1), ==, '2');
    g_assert_cmphex(word(info + 44, 4), ==, boot->e820->len * 24);
    g_assert_cmphex(word(word(info + 48, 4), 4), ==, 20);
    g_assert_cmphex(word(word(info + 48, 4) + 12, 8), ==, 0x9fc00);
    kernels_close();
}

static void test_multiboot_raw(void)
{
    u8 raw[0x1000], good[0x1000], late[0x3000];
    u8 *header = raw + 0x140;

    kernels_open();
    make_raw(good, sizeof good);
    memcpy(raw, good, sizeof raw);
    space_write(pc->mmio, LOAD + 0x200, ~0ull, 8);
    enter(&(BoardConfig){ .kernel = file_of(0, raw, sizeof raw) });
    g_assert_cmphex(state.regs.rip, ==, LOAD + 0x80);
    g_assert_cmphex(word(LOAD + 0x40, 4), ==, 0x1badb002);
    g_assert_cmphex(word(LOAD + 0x1fc, 4), ==, 0xcccccccc);
    g_assert_cmphex(word(LOAD + 0x200, 8), ==, 0);
#undef WITH
#define WITH(change, why)                                                           \
    memcpy(raw, good, sizeof raw);                                                  \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, raw, sizeof raw) }, why)

    WITH(put32(header + 12, LOAD + 0x1000), "before the file");
    WITH(put32(header + 12, LOAD - 4), "before the file");
    WITH(put32(header + 20, LOAD - 4), "do not fit");
    WITH(put32(header + 20, LOAD + 0x2000), "do not fit");
    WITH(put32(header + 24, LOAD + 0x100), "do not fit");
    WITH(put32(header + 24, 0xfffffff0), "more memory");
    WITH(put32(header + 28, LOAD - 1), "entry");
    WITH(put32(header + 28, LOAD + 0x400), "entry");
    WITH(make_header(header, 0x10013), "0x10");
    memset(late, 0, sizeof late);
    make_header(late + 8192 - 12, 0x10000);
    refuse(&(BoardConfig){ .kernel = file_of(0, late, sizeof late) }, "first 8192");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, sizeof good),
                           .initrd = "/nonexistent args" }, "/nonexistent:");
    kernels_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/boot/pvh", test_pvh);
    g_test_add_func("/boot/elf/refused", test_elf_refused);
    g_test_add_func("/boot/elf/overlap", test_elf_overlap);
    g_test_add_func("/boot/multiboot/elf", test_multiboot_elf);
    g_test_add_func("/boot/multiboot/raw", test_multiboot_raw);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bzImage kernels entered directly: what they find in memory and registers (boot.rst),
 * and files that lie.  And the memory map that every kernel gets.
 */

#include "base/bytes.h"
#include "base/lock.h"
#include "hw/machine/e820.h"
#include "tests/lib/kernels.h"

#include <sys/mman.h>
#include <unistd.h>

/* Walks the four levels as the CPU would: 2 MiB pages. */
static u64 translate(u64 at)
{
    u64 entry = state.control.cr3;

    for (int level = 3; level >= 1; level--) {
        entry = word((entry & ~0xfffull) + 8 * (at >> (12 + 9 * level) & 511), 8);
        g_assert_cmphex(entry & 3, ==, 3);
    }
    g_assert_cmphex(entry & 0x80, ==, 0x80);
    return (entry & ~0x1fffffull) | (at & 0x1fffff);
}

static void test_linux_64(void)
{
    u8 bz[BZ];
    gpa zero_page;

    kernels_open();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .append = "console=ttyS0",
                          .initrd = file_of(1, "ramdisk", 7) });
    zero_page = state.regs.gpr[RSI];
    check_flat(true);
    g_assert_cmphex(state.regs.rip, ==, 0x1000200);
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    g_assert_cmphex(state.segs.selector[SEG_CS], ==, 0x10);
    g_assert_cmphex(state.segs.selector[SEG_DS], ==, 0x18);
    g_assert_cmphex(translate(0xffeff123), ==, 0xffeff123);
    g_assert_cmphex(translate(zero_page), ==, zero_page);

    g_assert_cmphex(word(zero_page + 0x202, 4), ==, 0x53726448);
    g_assert_cmphex(word(zero_page + 0x210, 1), ==, 0xff);
    g_assert_cmphex(word(zero_page + 0x070, 8), ==, RSDP);
    check_text(word(zero_page + 0x228, 4), "console=ttyS0");
    g_assert_cmphex(word(zero_page + 0x21c, 4), ==, 7);
    g_assert_cmphex(word(zero_page + 0x218, 4) % 4096, ==, 0);
    g_assert_cmphex(word(word(zero_page + 0x218, 4), 7), ==, 0x6b7369646d6172);
    kernels_close();
}

/* The map that the kernel gets: all RAM, each byte once, nothing else called RAM. */
static void check_e820(const GArray *map, u64 ram)
{
    u64 sum = 0, last = 0;

    for (guint i = 0; i < map->len; i++) {
        const E820Entry *e = &g_array_index(map, E820Entry, i);

        g_assert_cmphex(e->base, >=, last);
        last = e->base + e->size;
        if (e->type == E820_RAM || e->type == E820_ACPI) {
            sum += e->size;
        }
    }
    /* all but the last KiB below 640 KiB and the 384 KiB up to 1 MiB */
    g_assert_cmphex(sum, ==, ram - 0x400 - 0x60000);
}

static void test_e820(void)
{
    static const u64 sizes[] = { 2 * MiB, 64 * MiB, 2 * GiB, 0xb0000000 - 4096,
                                 0xb0000000, 3 * GiB, 4 * GiB, 1024 * GiB };

    kernels_open();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GArray) full = NULL, ram = NULL;

        pc->ram_bytes = sizes[i];
        pc->ram_below_4g = ram_below_4g(sizes[i]);
        g_assert_cmphex(pc->ram_below_4g, <=, 0xb0000000);
        full = e820_full(pc, pc->ram_below_4g - 0x5000, 0x5000);
        check_e820(full, sizes[i]);
        ram = e820_ram(pc);
        g_assert_cmpuint(ram->len, ==, sizes[i] < 0xb0000000 ? 1 : 2);
    }
    kernels_close();
}

static void test_linux_e820(void)
{
    u8 bz[BZ];
    gpa zero_page;
    u64 ram = 0;

    kernels_open();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    zero_page = state.regs.gpr[RSI];
    for (unsigned i = 0; i < word(zero_page + 0x1e8, 1); i++) {
        gpa entry = zero_page + 0x2d0 + 20 * i;

        if (word(entry + 16, 4) == 1) {
            ram += word(entry + 8, 8);
        }
        if (word(entry + 16, 4) == 3) {
            g_assert_cmphex(word(entry, 8), ==, ACPI_AT);
        }
    }
    g_assert_cmphex(ram, ==, RAM - 0x10000 - 0x60400);
    kernels_close();
}

static void test_linux_32(void)
{
    u8 bz[BZ];

    kernels_open();
    make_bz(bz);
    put16(bz + 0x236, 0);                   /* no 64-bit entry */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    check_flat(false);
    g_assert_cmphex(state.regs.rip, ==, 0x1000000);

    put16(bz + 0x206, 0x206);       /* the oldest that is taken: fixed at 1 MiB */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    g_assert_cmphex(state.regs.rip, ==, 0x100000);
    g_assert_cmphex(word(0x100000, 8), ==, 0x9090909090909090);
    kernels_close();
}

/* A new seed at every reset, and what the guest has spoilt is as at first. */
static void test_linux_again(void)
{
    u8 bz[BZ];
    GError *err = NULL;
    gpa zero_page;
    u64 seed;

    kernels_open();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    zero_page = state.regs.gpr[RSI];
    g_assert_cmphex(word(word(zero_page + 0x250, 8) + 8, 4), ==, 9);
    seed = word(word(zero_page + 0x250, 8) + 16, 8);
    space_write(pc->mmio, 0x1000000, 0, 8);
    g_assert_true(boot_write(boot, &err));
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    g_assert_cmphex(word(word(zero_page + 0x250, 8) + 16, 8), !=, seed);
    kernels_close();
}

static void test_linux_refused(void)
{
    u8 bz[BZ], good[BZ];
    g_autofree char *line = g_strnfill(256, 'x');

    kernels_open();
    make_bz(good);
#define WITH(change, why)                                                           \
    memcpy(bz, good, BZ);                                                           \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ) }, why)

    WITH(put16(bz + 0x206, 0x205), "2.05");
    WITH(bz[0x211] = 0, "zImage");
    WITH(bz[0x1f1] = 200, "truncated");
    WITH(put32(bz + 0x1f4, PAYLOAD), "truncated");
    WITH(put64(bz + 0x258, RAM), "more memory");
    WITH(put64(bz + 0x258, ~0ull), "more memory");
    WITH(put32(bz + 0x260, RAM), "more memory");
    WITH(put16(bz + 0x1fe, 0), "not a kernel");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, 0x210) }, "truncated");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ - 64) }, "truncated");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, 0) }, "empty");
    refuse(&(BoardConfig){ .kernel = "/nonexistent/vmlinuz" }, "No such file");
    refuse(&(BoardConfig){ .kernel = "/tmp" }, "directory");
    refuse(&(BoardConfig){ .kernel = "/proc/self/exe" }, "PVH");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ), .append = line }, "at most");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ),
                           .initrd = file_of(1, "", 0) }, "empty");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ), .initrd = "/nonexistent" },
           "/nonexistent");
    kernels_close();
}

/* Larger than RAM; larger than what the kernel and its limit leave. */
static void test_initrd(void)
{
    u8 bz[BZ];
    int fd = memfd_create("initrd", 0);
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    gpa zero_page;

    kernels_open();
    make_bz(bz);
    g_assert_cmpint(ftruncate(fd, 2ll * RAM), ==, 0);
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name }, "longer");
    g_assert_cmpint(ftruncate(fd, RAM - (20 << 20)), ==, 0);
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name }, "not fit");
    g_assert_cmpint(ftruncate(fd, 8 << 20), ==, 0);
    put32(bz + 0x22c, 0xffffff);        /* must end below 16 MiB, where the kernel is */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name });
    zero_page = state.regs.gpr[RSI];
    g_assert_cmphex(word(zero_page + 0x218, 4), ==, 0x800000);
    close(fd);
    kernels_close();
}

/* A pipe can be read only once, and yet every reset finds the kernel. */
static void test_pipe(void)
{
    u8 bz[BZ];
    int end[2];
    GError *err = NULL;

    kernels_open();
    make_bz(bz);
    g_assert_cmpint(pipe(end), ==, 0);
    g_assert_cmpint(write(end[1], bz, BZ), ==, BZ);
    close(end[1]);
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", end[0]);
    enter(&(BoardConfig){ .kernel = name });
    close(end[0]);
    space_write(pc->mmio, 0x1000000, 0, 8);
    g_assert_true(boot_write(boot, &err));
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    kernels_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/boot/e820", test_e820);
    g_test_add_func("/boot/linux/64", test_linux_64);
    g_test_add_func("/boot/linux/32", test_linux_32);
    g_test_add_func("/boot/linux/e820", test_linux_e820);
    g_test_add_func("/boot/linux/again", test_linux_again);
    g_test_add_func("/boot/linux/refused", test_linux_refused);
    g_test_add_func("/boot/initrd", test_initrd);
    g_test_add_func("/boot/pipe", test_pipe);
    return g_test_run();
}

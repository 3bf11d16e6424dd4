/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM: what lies inside a region is reached, and nothing else; written pages are
 * known.
 */

#include "hw/core/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOW = 0, LOW_PAGES = 4, HIGH_PAGES = 2 };
#define HIGH (4 * GiB)

/* 16 KiB at 0 and 8 KiB at 4 GiB. */
static Mem *small_mem(void)
{
    Mem *mem = mem_new();

    g_assert_true(mem_add_ram(mem, NULL, "low", LOW, LOW_PAGES * PAGE_BYTES, NULL));
    g_assert_true(mem_add_ram(mem, NULL, "high", HIGH, HIGH_PAGES * PAGE_BYTES, NULL));
    return mem;
}

static void bounds(void)
{
    static const struct {
        gpa at;
        size_t n;
        bool inside;
    } rows[] = {
        { 0, 1, true }, { 0, 0x4000, true }, { 0, 0x4001, false },
        { 0x3fff, 1, true }, { 0x3fff, 2, false }, { 0x4000, 1, false },
        { 0x3000, 0, true }, { 0x4000, 0, false }, { 0x8000, 0, false },
        { HIGH, 0x2000, true }, { HIGH - 1, 1, false }, { HIGH - 1, 2, false },
        { HIGH + 0x1fff, 1, true }, { HIGH + 0x2000, 1, false },
        { 0, SIZE_MAX, false }, { 1, SIZE_MAX, false }, { UINT64_MAX, 1, false },
        { UINT64_MAX, 2, false }, { UINT64_MAX, SIZE_MAX, false },
        { 0x3fff, SIZE_MAX, false },
    };
    Mem *mem = small_mem();
    struct iovec iov;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        gpa at = rows[i].at;
        size_t n = rows[i].n;
        bool inside = rows[i].inside;
        u8 bytes[0x4000];

        g_assert_true(mem_iov(mem, at, n, &iov) == inside);
        g_assert_cmpuint(iov.iov_len, ==, inside ? n : 0);
        if (n <= sizeof bytes) {
            memset(bytes, i, sizeof bytes);
            g_assert_true(mem_write(mem, at, bytes, n) == inside);
            memset(bytes, ~i, sizeof bytes);
            g_assert_true(mem_read(mem, at, bytes, n) == inside);
            g_assert_cmpuint(bytes[0], ==, inside && n ? i : (u8)~i);
        }
        mem_written(mem, at, n);        /* whatever: no crash */
    }
    g_assert_cmpuint(mem_size(mem), ==, 6 * PAGE_BYTES);
    g_assert_cmpuint(mem_pages(mem), ==, 6);
    mem_free(mem);
}

/* write() says so instead of dying: no byte before RAM can be read or written. */
static void guarded(void)
{
    Mem *mem = small_mem();
    struct iovec iov;
    int fd[2];

    g_assert_true(mem_iov(mem, LOW, PAGE_BYTES, &iov));
    g_assert_cmpint(pipe(fd), ==, 0);
    g_assert_cmpint(write(fd[1], iov.iov_base, 1), ==, 1);
    g_assert_cmpint(write(fd[1], (u8 *)iov.iov_base - 1, 1), ==, -1);
    g_assert_cmpint(errno, ==, EFAULT);
    g_assert_cmpuint((uintptr_t)iov.iov_base % (2 * MiB), ==, 0);
    close(fd[0]);
    close(fd[1]);
    mem_free(mem);
}

static void words(void)
{
    Mem *mem = small_mem();
    u16 value = 0;

    g_assert_true(mem_store16(mem, 0x3ffe, 0x1234));
    g_assert_true(mem_load16(mem, 0x3ffe, &value));
    g_assert_cmpuint(value, ==, 0x1234);
    g_assert_false(mem_store16(mem, 0x3fff, 1));        /* across the end */
    g_assert_false(mem_store16(mem, 0x0001, 1));        /* odd */
    g_assert_false(mem_load16(mem, 0x0001, &value));
    g_assert_false(mem_load16(mem, HIGH - 2, &value));
    g_assert_false(mem_load16(mem, UINT64_MAX, &value));
    mem_free(mem);
}

static void clear_flags(Mem *mem)
{
    memset(mem_page_flags(mem), 0, mem_pages(mem));
}

static void assert_flags(Mem *mem, const char *pages)
{
    for (unsigned i = 0; i < mem_pages(mem); i++) {
        u8 flags = mem_page_flags(mem)[i];

        g_assert_cmpuint(flags, ==, pages[i] == 'd' ? PAGE_DIRTY_ALL : 0);
    }
}

static void dirty_pages(void)
{
    Mem *mem = small_mem();
    u8 bytes[2 * PAGE_BYTES] = { 0 };

    assert_flags(mem, "......");
    g_assert_true(mem_write(mem, 0xfff, bytes, 1));
    assert_flags(mem, "d.....");
    clear_flags(mem);
    g_assert_true(mem_write(mem, 0xfff, bytes, 2));
    assert_flags(mem, "dd....");
    clear_flags(mem);
    g_assert_true(mem_write(mem, 0x1fff, bytes, 0x1002));
    assert_flags(mem, ".ddd..");
    clear_flags(mem);
    g_assert_true(mem_write(mem, 0x1000, bytes, 0));
    assert_flags(mem, "......");
    g_assert_false(mem_write(mem, 0x3fff, bytes, 2));
    assert_flags(mem, "......");
    mem_written(mem, HIGH + 0x1000, 1);
    assert_flags(mem, ".....d");
    clear_flags(mem);
    g_assert_true(mem_store16(mem, HIGH, 1));
    assert_flags(mem, "....d.");
    mem_free(mem);
}

static void note_page(void *opaque, u64 page)
{
    g_string_append_printf(opaque, "%u ", (unsigned)page);
}

static void code_pages(void)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    Mem *mem = small_mem();
    u8 bytes[2 * PAGE_BYTES] = { 0 };

    mem_code_hook(mem, note_page, seen);
    mem_page_flags(mem)[1] = PAGE_CODE;
    mem_page_flags(mem)[4] = PAGE_CODE;
    g_assert_true(mem_write(mem, 0, bytes, 0x1000));
    g_assert_cmpstr(seen->str, ==, "");
    g_assert_true(mem_write(mem, 0xfff, bytes, 0x1002));
    g_assert_true(mem_store16(mem, HIGH, 1));
    mem_written(mem, 0x1800, 1);
    g_assert_cmpstr(seen->str, ==, "1 4 1 ");
    g_assert_cmpuint(mem_page_flags(mem)[1], ==, PAGE_CODE | PAGE_DIRTY_ALL);
    mem_free(mem);
}

/* A terabyte is an address range, not memory. */
static void terabyte(void)
{
    g_autoptr(GError) err = NULL;
    Mem *mem = mem_new();
    u8 byte = 0x5a;

    if (!mem_add_ram(mem, NULL, "ram", 0, TiB, &err)) {
        g_test_skip(err->message);
        mem_free(mem);
        return;
    }
    g_assert_true(mem_write(mem, TiB - 1, &byte, 1));
    byte = 0;
    g_assert_true(mem_read(mem, TiB - 1, &byte, 1));
    g_assert_cmpuint(byte, ==, 0x5a);
    g_assert_cmpuint(mem_page_flags(mem)[mem_pages(mem) - 1], ==, PAGE_DIRTY_ALL);
    g_assert_false(mem_write(mem, TiB, &byte, 1));
    mem_free(mem);
}

/* What no host can give is an error, not a crash. */
static void too_much(void)
{
    g_autoptr(GError) err = NULL;
    Mem *mem = mem_new();

    g_assert_false(mem_add_ram(mem, NULL, "ram", 0, 1ull << 60, &err));
    g_assert_true(g_str_has_prefix(err->message,
                                   "cannot reserve 1099511627776 MiB of guest memory"));
    g_assert_cmpuint(mem_size(mem), ==, 0);
    g_assert_true(mem_add_ram(mem, NULL, "ram", 0, PAGE_BYTES, NULL));
    mem_free(mem);
}

/*
 * A page with a file behind it: the file's bytes, then the guest's own; never the other
 * way.
 */
static void file_behind(void)
{
    Mem *mem = small_mem();
    g_autoptr(GError) err = NULL;
    int fd = memfd_create("ram", 0);
    char bytes[8];

    g_assert_cmpint(ftruncate(fd, 3 * PAGE_BYTES), ==, 0);
    g_assert_cmpint(pwrite(fd, "file", 4, PAGE_BYTES), ==, 4);
    g_assert_true(mem_write(mem, 0, "before", 6));
    g_assert_true(mem_write(mem, PAGE_BYTES, "before", 6));
    g_assert_true(mem_map_file(mem, PAGE_BYTES, 2 * PAGE_BYTES, fd, PAGE_BYTES, &err));
    g_assert_no_error(err);
    g_assert_true(mem_read(mem, 0, bytes, 6));
    g_assert_cmpmem(bytes, 6, "before", 6);
    g_assert_true(mem_read(mem, PAGE_BYTES, bytes, 6));
    g_assert_cmpmem(bytes, 6, "file\0\0", 6);
    g_assert_true(mem_write(mem, PAGE_BYTES, "guest", 5));
    g_assert_cmpint(pread(fd, bytes, 5, PAGE_BYTES), ==, 5);
    g_assert_cmpmem(bytes, 5, "file\0", 5);

    g_assert_false(mem_map_file(mem, 0, 2 * PAGE_BYTES, fd, 2 * PAGE_BYTES, &err));
    g_assert_nonnull(strstr(err->message, "shorter"));
    g_clear_error(&err);
    g_assert_false(mem_map_file(mem, 0, PAGE_BYTES, fd, 1ull << 40, &err));
    g_assert_nonnull(err);
    close(fd);
    g_assert_true(mem_read(mem, PAGE_BYTES, bytes, 5));
    g_assert_cmpmem(bytes, 5, "guest", 5);
    mem_free(mem);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/memory/bounds", bounds);
    g_test_add_func("/hw/memory/guarded", guarded);
    g_test_add_func("/hw/memory/words", words);
    g_test_add_func("/hw/memory/dirty-pages", dirty_pages);
    g_test_add_func("/hw/memory/code-pages", code_pages);
    g_test_add_func("/hw/memory/file-behind", file_behind);
    g_test_add_func("/hw/memory/terabyte", terabyte);
    g_test_add_func("/hw/memory/too-much", too_much);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file `touched` of a snapshot: the pages it names are there afterwards and others
 * are not; what does not fit the machine, and damage, is refused.
 */

#include "tests/lib/chance.h"
#include "vm/snapshot_runs.h"
#include "vm/snapshot_touched.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOW = 64, HIGH = 32, DAMAGED = 20000 };          /* pages of the two regions */
#define HIGH_BASE (4 * GiB)

static Mem *make_mem(void)
{
    g_autoptr(GError) err = NULL;
    Mem *mem = mem_new();

    if (!mem_add_ram(mem, NULL, "low", 0, LOW * PAGE_BYTES, &err) ||
        !mem_add_ram(mem, NULL, "high", HIGH_BASE, HIGH * PAGE_BYTES, &err)) {
        g_error("%s", err->message);
    }
    return mem;
}

static GByteArray *make_file(const RamRegion *regions, unsigned n, const RamRun *runs,
                             unsigned m)
{
    g_autoptr(GArray) r = g_array_new(FALSE, FALSE, sizeof *regions);
    g_autoptr(GArray) s = g_array_new(FALSE, FALSE, sizeof *runs);
    g_autoptr(GByteArray) sections = g_byte_array_new();
    GByteArray *file = g_byte_array_new();

    g_array_append_vals(r, regions, n);
    g_array_append_vals(s, runs, m);
    ram_section_put(r, s, sections);
    g_assert_true(state_file_make(sections, SNAPSHOT_PLAIN, file, NULL));
    return file;
}

static bool fetch(Mem *mem, const GByteArray *file, GError **err)
{
    int fd = memfd_create("touched", MFD_CLOEXEC);
    bool done;

    g_assert_cmpint(write(fd, file->data, file->len), ==, file->len);
    done = touched_fetch(mem, fd, err);
    close(fd);
    return done;
}

/* How many pages of a region are in memory. */
static unsigned resident(Mem *mem, gpa base, unsigned pages)
{
    unsigned char there[LOW];
    unsigned n = 0;
    struct iovec iov;

    g_assert_true(mem_iov(mem, base, pages * PAGE_BYTES, &iov));
    g_assert_cmpint(mincore(iov.iov_base, iov.iov_len, there), ==, 0);
    for (unsigned i = 0; i < pages; i++) {
        n += there[i] & 1;
    }
    return n;
}

static const RamRegion ours[] = { { 0, LOW * PAGE_BYTES },
                                  { HIGH_BASE, HIGH * PAGE_BYTES } };

static void test_fetch(void)
{
    static const RamRun runs[] = { { 3, 5, 1 }, { LOW + 2, 7, 1 } };
    g_autoptr(GByteArray) file = make_file(ours, 2, runs, 2);
    g_autoptr(GError) err = NULL;
    Mem *mem = make_mem();
    struct iovec iov;

    for (unsigned i = 0; i < 2; i++) {          /* else a fault brings 2 MiB */
        g_assert_true(mem_iov(mem, ours[i].base, ours[i].size, &iov));
        madvise(iov.iov_base, iov.iov_len, MADV_NOHUGEPAGE);
    }
    g_assert_cmpuint(resident(mem, 0, LOW), ==, 0);
    g_assert_true(fetch(mem, file, &err));
    g_assert_no_error(err);
    if (resident(mem, 0, LOW) == 0) {
        g_test_skip("this kernel has no MADV_POPULATE_WRITE (5.14)");
    } else {
        g_assert_cmpuint(resident(mem, 0, LOW), ==, 5);
        g_assert_cmpuint(resident(mem, HIGH_BASE, HIGH), ==, 7);
        g_assert_cmpuint(resident(mem, 3 * PAGE_BYTES, 5), ==, 5);
        g_assert_cmpuint(resident(mem, HIGH_BASE + 2 * PAGE_BYTES, 7), ==, 7);
    }
    mem_free(mem);
}

static void refused(const RamRegion *regions, unsigned n, RamRun run, const char *why)
{
    g_autoptr(GByteArray) file = make_file(regions, n, &run, 1);
    g_autoptr(GError) err = NULL;
    Mem *mem = make_mem();

    g_assert_false(fetch(mem, file, &err));
    g_assert_nonnull(strstr(err->message, why));
    g_assert_cmpuint(resident(mem, 0, LOW) + resident(mem, HIGH_BASE, HIGH), ==, 0);
    mem_free(mem);
}

static void test_refused(void)
{
    static const RamRegion other[] = { { 0, 2 * LOW * PAGE_BYTES } };
    RamRun fine = { 0, 1, 1 };

    refused(other, 1, fine, "this machine has not");
    refused(ours, 1, fine, "this machine has more");
    refused(ours, 2, (RamRun){ LOW - 1, 2, 0 }, "lies outside");
    refused(ours, 2, (RamRun){ LOW + HIGH, 1, 0 }, "lies outside");
    refused(ours, 2, (RamRun){ 1, UINT64_MAX, 1 }, "damaged");
    refused(ours, 2, (RamRun){ 1, 0, 1 }, "damaged");
    refused(ours, 2, (RamRun){ 1, 1, 2 }, "damaged");
}

/* Whatever is in it, under a checksum that is right. */
static void test_damaged(void)
{
    static const RamRun runs[] = { { 3, 5, 1 }, { LOW + 2, 7, 0 } };
    g_autoptr(GByteArray) file = make_file(ours, 2, runs, 2);
    Chance chance = chance_new(g_test_rand_int());
    enum { HEADER = 24 };
    unsigned taken = 0;
    Mem *mem = make_mem();

    for (unsigned i = 0; i < DAMAGED; i++) {
        g_autoptr(GByteArray) sections = g_byte_array_new(), bad = g_byte_array_new();
        u64 odd = chance_below(&chance, 2) ? chance_below(&chance, 100)
                                           : chance_next(&chance);
        size_t at;

        g_byte_array_append(sections, file->data + HEADER, file->len - HEADER);
        at = chance_below(&chance, sections->len);
        memcpy(sections->data + at, &odd, MIN(sizeof odd, sections->len - at));
        g_assert_true(state_file_make(sections, SNAPSHOT_PLAIN, bad, NULL));
        taken += fetch(mem, bad, NULL);
    }
    g_assert_cmpuint(taken, <, DAMAGED);
    mem_free(mem);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/touched/fetch", test_fetch);
    g_test_add_func("/touched/refused", test_refused);
    g_test_add_func("/touched/damaged", test_damaged);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM into a file: see snapshot_ram.h. */

#include "vm/snapshot_ram.h"

#include "vm/host_pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LAYER_NONE = 0xff,          /* in `source`: no file has it, it is zeroes */
    BATCH = 8192,               /* pages looked at at once */
    GAP_MAX = 512,              /* pages of zeroes that do not end a run, or more: */
    GAPS = RAM_RUNS_MAX / 2,       /* so many such gaps there can be */
    COPY_MAX = 16,              /* pages of a parent that are copied to join two runs */
};

/* What saving leads to, in memory that a forked process shares. */
typedef struct {
    int error;                  /* errno; 0 once all is written */
    u64 written;
    u8 source[];                /* of each page: its layer */
} Result;

struct RamSaver {
    Mem *mem;
    int fd, pages;              /* pages: host_pages_open */
    bool changes;
    u64 flags[BATCH];           /* words of the page map */
    size_t bytes;               /* of the result */
    Result *result;
    u8 *source;                 /* the result's */
};

typedef RamSaver Saver;

static bool is_zero(const u8 *page)
{
    static const u64 none = 0;

    return memcmp(page, &none, sizeof none) == 0 &&
           memcmp(page, page + sizeof none, PAGE_BYTES - sizeof none) == 0;
}

static bool write_all(Saver *saver, const u8 *host, u64 page, u64 pages)
{
    u64 n = pages * PAGE_BYTES, at = page * PAGE_BYTES;

    saver->result->written += n;
    while (n) {
        ssize_t done = pwrite(saver->fd, host, n, at);

        if (done <= 0) {
            saver->result->error = done ? errno : ENOSPC;
            return false;
        }
        host += done;
        at += done;
        n -= done;
    }
    return true;
}

/*
 * Decides where a page is from now on; true: it must be written.  It need not be if
 * nobody touched it and no file has it, if it is zeroes, or if only changes are wanted
 * and it is as a parent has it.
 */
static bool place_page(Saver *saver, u64 flags, u64 page, const u8 *host)
{
    bool there = host_page_is_there(flags);
    bool changed = host_page_is_written(flags);
    u8 *source = &saver->source[page];
    bool in_parent = *source != LAYER_NONE, zero;

    if (saver->changes && in_parent && !changed) {
        return false;
    }
    zero = (!there && !in_parent) || is_zero(host);
    *source = !zero || (saver->changes && in_parent) ? 0 : LAYER_NONE;
    return !zero;
}

static bool save_batch(Saver *saver, const u8 *host, u64 page, unsigned n)
{
    unsigned from = 0;

    host_pages_look(saver->pages, host, n, saver->flags);
    for (unsigned i = 0; i <= n; i++) {
        bool wanted = i < n && place_page(saver, saver->flags[i], page + i,
                                          host + (u64)i * PAGE_BYTES);

        if (!wanted && i > from &&
            !write_all(saver, host + (u64)from * PAGE_BYTES, page + from, i - from)) {
            return false;
        }
        from = wanted ? from : i + 1;
    }
    return true;
}

/* Few pages between two of ours become ours: a run costs a restore more than a page. */
static bool join_runs(Saver *saver, const u8 *host, u64 page, u64 pages)
{
    u64 next = 0;               /* after the last page of ours */

    for (u64 i = 0; i < pages; i++) {
        if (saver->source[page + i] != 0) {
            continue;
        }
        for (u64 k = next && i - next <= COPY_MAX ? next : i; k < i; k++) {
            const u8 *at = host + k * PAGE_BYTES;

            if (saver->source[page + k] != LAYER_NONE && !is_zero(at) &&
                !write_all(saver, at, page + k, 1)) {
                return false;
            }
            saver->source[page + k] = 0;
        }
        next = i + 1;
    }
    return true;
}

static bool save_region(Saver *saver, const MemRegion *region)
{
    u64 pages = region->size / PAGE_BYTES;
    struct iovec iov;

    if (!mem_iov(saver->mem, region->base, region->size, &iov)) {
        g_assert_not_reached();
    }
    for (u64 done = 0; done < pages; done += BATCH) {
        if (!save_batch(saver, (u8 *)iov.iov_base + done * PAGE_BYTES,
                        region->page + done, MIN(BATCH, pages - done))) {
            return false;
        }
    }
    return !saver->changes || join_runs(saver, iov.iov_base, region->page, pages);
}

/* ---- the section ---- */

static GArray *regions_of(const Mem *mem)
{
    GArray *regions = g_array_new(FALSE, FALSE, sizeof(RamRegion));
    MemRegion region;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        RamRegion ours = { region.base, region.size };

        g_array_append_val(regions, ours);
    }
    return regions;
}

/* From the pages' layers to runs; few zeroes between two of our own are theirs. */
static GArray *make_runs(const Mem *mem, const u8 *source)
{
    GArray *runs = g_array_new(FALSE, FALSE, sizeof(RamRun));
    u64 gap_max = MAX(GAP_MAX, mem_pages(mem) / GAPS);
    MemRegion region;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        u64 end = region.page + region.size / PAGE_BYTES;
        RamRun *last = NULL;

        for (u64 page = region.page; page < end; page++) {
            u64 gap = last ? page - last->page - last->pages : 0;

            if (source[page] == LAYER_NONE) {
                continue;
            }
            if (last && last->layer == source[page] &&
                (gap == 0 || (last->layer == 0 && gap <= gap_max))) {
                last->pages = page + 1 - last->page;
            } else {
                RamRun run = { page, 1, source[page] };

                g_array_append_val(runs, run);
                last = &g_array_index(runs, RamRun, runs->len - 1);
            }
        }
    }
    return runs;
}

static void put_section(const Saver *saver, GByteArray *out)
{
    g_autoptr(GArray) regions = regions_of(saver->mem);
    g_autoptr(GArray) runs = make_runs(saver->mem, saver->source);

    ram_section_put(regions, runs, out);
}

static void fill_source(Saver *saver, const GArray *from)
{
    memset(saver->source, LAYER_NONE, mem_pages(saver->mem));
    for (unsigned i = 0; from && i < from->len; i++) {
        const RamRun *run = &g_array_index(from, RamRun, i);

        memset(saver->source + run->page, run->layer + 1, run->pages);
    }
}

static bool save_all(Saver *saver)
{
    MemRegion region;

    if (ftruncate(saver->fd, mem_size(saver->mem))) {
        saver->result->error = errno;
        return false;
    }
    for (unsigned i = 0; mem_region(saver->mem, i, &region); i++) {
        if (!save_region(saver, &region)) {
            return false;
        }
    }
    return true;
}

RamSaver *ram_saver_new(Mem *mem, const GArray *from, bool changes, int fd,
                        GError **err)
{
    RamSaver *saver = g_new(RamSaver, 1);

    saver->mem = mem;
    saver->fd = fd;
    saver->pages = -1;
    saver->changes = changes;
    saver->bytes = sizeof(Result) + mem_pages(mem);
    saver->result = mmap(NULL, saver->bytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (saver->result == MAP_FAILED) {
        snapshot_refuse(err, "ram: %s", g_strerror(errno));
        g_free(saver);
        return NULL;
    }
    saver->result->error = EIO;
    saver->source = saver->result->source;
    fill_source(saver, from);
    return saver;
}

void ram_saver_write(RamSaver *saver)
{
    saver->pages = host_pages_open();
    if (save_all(saver)) {
        saver->result->error = fsync(saver->fd) ? errno : 0;
    }
    if (saver->pages >= 0) {
        close(saver->pages);
    }
}

u64 ram_saver_written(const RamSaver *saver)
{
    return __atomic_load_n(&saver->result->written, __ATOMIC_RELAXED);
}

bool ram_saver_end(RamSaver *saver, GByteArray *out, u64 *written, GError **err)
{
    int error = saver->result->error;

    if (error == 0) {
        put_section(saver, out);
        *written = saver->result->written;
    }
    munmap(saver->result, saver->bytes);
    g_free(saver);
    return error == 0 ||
           snapshot_refuse(err, "ram: cannot be written: %s", g_strerror(error));
}

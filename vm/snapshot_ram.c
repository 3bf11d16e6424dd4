/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM as a file: see snapshot_ram.h. */

#include "vm/snapshot_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* Linux Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_FILE    (1ull << 61)        /* a file's page: not written since */

/* ---- saving ---- */

/* What saving leads to, in memory that a forked process shares. */
typedef struct {
    int error;                  /* errno; 0 once all is written */
    u64 written;
    u8 source[];                /* of each page: its layer */
} Result;

struct RamSaver {
    Mem *mem;
    int fd, pagemap;            /* pagemap -1: all pages are looked at */
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

/* What the kernel knows of `n` pages; without it each may have changed. */
static void look(Saver *saver, const u8 *host, unsigned n)
{
    ssize_t bytes = n * sizeof *saver->flags;
    off_t at = (uintptr_t)host / PAGE_BYTES * sizeof *saver->flags;

    if (saver->pagemap < 0 || pread(saver->pagemap, saver->flags, bytes, at) != bytes) {
        for (unsigned i = 0; i < n; i++) {
            saver->flags[i] = PAGEMAP_PRESENT;
        }
    }
}

/*
 * Decides where a page is from now on; true: it must be written.  It need not be if
 * nobody touched it and no file has it, if it is zeroes, or if only changes are wanted
 * and it is as a parent has it.
 */
static bool place_page(Saver *saver, u64 flags, u64 page, const u8 *host)
{
    bool there = (flags & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0;
    bool changed = there && !(flags & PAGEMAP_FILE);
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

    look(saver, host, n);
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
    saver->pagemap = -1;
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
    saver->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (save_all(saver)) {
        saver->result->error = fsync(saver->fd) ? errno : 0;
    }
    if (saver->pagemap >= 0) {
        close(saver->pagemap);
    }
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

/* ---- restoring ---- */

static bool same_regions(const Mem *mem, const GArray *regions, GError **err)
{
    MemRegion region;

    for (unsigned i = 0; i < regions->len; i++) {
        const RamRegion *r = &g_array_index(regions, RamRegion, i);

        if (!mem_region(mem, i, &region) || region.base != r->base ||
            region.size != r->size) {
            return snapshot_refuse(err, "ram: it has 0x%" PRIx64 " bytes at 0x%" PRIx64
                                   ", this machine has not", r->size, r->base);
        }
    }
    return !mem_region(mem, regions->len, &region) ||
           snapshot_refuse(err, "ram: this machine has more: %s", region.name);
}

/* The base address of RAM page `page` and what is left of its region from there on. */
static bool find_page(const Mem *mem, u64 page, gpa *at, u64 *left)
{
    MemRegion region;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        u64 n = page - region.page;

        if (n < region.size / PAGE_BYTES) {
            *at = region.base + n * PAGE_BYTES;
            *left = region.size / PAGE_BYTES - n;
            return true;
        }
    }
    return false;
}

static bool map_run(Mem *mem, const RamRun *run, const int *fds, GError **err)
{
    u64 left;
    gpa at;

    if (!find_page(mem, run->page, &at, &left) || run->pages == 0 ||
        run->pages > left) {
        return snapshot_refuse(err, "ram: a run of 0x%" PRIx64 " pages at page 0x%"
                               PRIx64 " lies outside", run->pages, run->page);
    }
    if (!mem_map_file(mem, at, run->pages * PAGE_BYTES, fds[run->layer],
                      run->page * PAGE_BYTES, err)) {
        g_prefix_error(err, "ram: ");
        return false;
    }
    return true;
}

static bool map_runs(Mem *mem, const RamSection *ram, const int *fds, GError **err)
{
    for (unsigned i = 0; i < ram->runs->len; i++) {
        if (!map_run(mem, &g_array_index(ram->runs, RamRun, i), fds, err)) {
            return false;
        }
    }
    return true;
}

static bool open_layers(const Layers *layers, int *fds, GError **err)
{
    for (unsigned i = 0; i < layers->n; i++) {
        g_autofree char *path = layers_file(layers, i, "ram");

        fds[i] = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fds[i] < 0) {
            return snapshot_refuse(err, "%s: %s", path, g_strerror(errno));
        }
    }
    return true;
}

/* A run shall take what it touches, also where no file is: a page at a time. */
static void no_huge_pages(Mem *mem)
{
    MemRegion region;
    struct iovec iov;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        if (mem_iov(mem, region.base, region.size, &iov)) {
            madvise(iov.iov_base, iov.iov_len, MADV_NOHUGEPAGE);
        }
    }
}

GArray *snapshot_ram_map(Mem *mem, StateFile *file, const Layers *layers, GError **err)
{
    RamSection ram;
    GArray *runs = NULL;
    int fds[LAYERS_MAX];

    if (!ram_section_get(file, layers->n, &ram, err)) {
        return NULL;
    }
    memset(fds, -1, sizeof fds);
    no_huge_pages(mem);
    if (same_regions(mem, ram.regions, err) && open_layers(layers, fds, err) &&
        map_runs(mem, &ram, fds, err)) {
        runs = g_array_ref(ram.runs);
    }
    for (unsigned i = 0; i < LAYERS_MAX; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    ram_section_clear(&ram);
    return runs;
}

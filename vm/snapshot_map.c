/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM from files: see snapshot_map.h. */

#include "vm/snapshot_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool ram_same_regions(const Mem *mem, const GArray *regions, GError **err)
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

bool ram_find_run(const Mem *mem, const RamRun *run, gpa *at, GError **err)
{
    MemRegion region;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        u64 n = run->page - region.page, pages = region.size / PAGE_BYTES;

        if (n < pages && run->pages && run->pages <= pages - n) {
            *at = region.base + n * PAGE_BYTES;
            return true;
        }
    }
    return snapshot_refuse(err, "ram: a run of 0x%" PRIx64 " pages at page 0x%" PRIx64
                           " lies outside", run->pages, run->page);
}

static bool map_run(Mem *mem, const RamRun *run, const int *fds, GError **err)
{
    gpa at;

    if (!ram_find_run(mem, run, &at, err)) {
        return false;
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
    if (ram_same_regions(mem, ram.regions, err) && open_layers(layers, fds, err) &&
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages a run needs first: see snapshot_touched.h. */

#include "vm/snapshot_touched.h"

#include "base/log.h"
#include "chardev/chardev.h"
#include "vm/host_pages.h"
#include "vm/snapshot.h"
#include "vm/snapshot_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux 5.14; where the C library does not have them yet */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

enum { KIND_READ, KIND_WRITTEN, KINDS };        /* in place of a run's layer */
enum { BATCH = 4096 };                          /* pages looked at at once */

static const VmConfig *the_config;              /* NULL: nothing is recorded */

static char *touched_path(const VmConfig *config)
{
    g_autofree char *dir = snapshot_path(config->loadvm.name);

    return g_build_filename(dir, "touched", NULL);
}

/* ---- fetching ---- */

typedef struct iovec Range;

static bool find_ranges(Mem *mem, const GArray *runs, Range *ranges, GError **err)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const RamRun *run = &g_array_index(runs, RamRun, i);
        gpa at;

        if (!ram_find_run(mem, run, &at, err)) {
            return false;
        }
        if (!mem_iov(mem, at, run->pages * PAGE_BYTES, &ranges[i])) {
            g_assert_not_reached();
        }
    }
    return true;
}

/* What can't be fetched now comes when the guest touches it. */
static bool fetch(Mem *mem, const RamSection *ram, GError **err)
{
    g_autofree Range *ranges = g_new(Range, ram->runs->len);

    if (!ram_same_regions(mem, ram->regions, err) ||
        !find_ranges(mem, ram->runs, ranges, err)) {
        return false;
    }
    for (unsigned i = 0; i < ram->runs->len; i++) {
        madvise(ranges[i].iov_base, ranges[i].iov_len, MADV_WILLNEED);
    }
    for (unsigned i = 0; i < ram->runs->len; i++) {
        bool written = g_array_index(ram->runs, RamRun, i).layer == KIND_WRITTEN;

        madvise(ranges[i].iov_base, ranges[i].iov_len,
                written ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
    }
    return true;
}

bool touched_fetch(Mem *mem, int fd, GError **err)
{
    g_autoptr(StateFile) file = state_file_read(fd, err);
    const StateSection *other;
    RamSection ram;
    bool done;

    if (!file || !ram_section_get(file, KINDS, &ram, err)) {
        return false;
    }
    other = state_file_left(file, "");
    done = other ? snapshot_refuse(err, "state: '%s' has no place in it", other->name)
                 : fetch(mem, &ram, err);
    ram_section_clear(&ram);
    return done;
}

static bool prefetch(Mem *mem, const VmConfig *config, GError **err)
{
    g_autofree char *path = touched_path(config);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool done;

    if (fd < 0) {
        return errno == ENOENT ||
               snapshot_refuse(err, "%s: %s", path, g_strerror(errno));
    }
    done = touched_fetch(mem, fd, err);
    close(fd);
    if (!done) {
        g_prefix_error(err, "%s (prefetch=off goes without it): ", path);
    }
    return done;
}

/* ---- recording ---- */

static bool is_zero(const u8 *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

/* `joins`: it may be part of the last run.  What there is no more room for, is not. */
static void add_page(GArray *runs, u64 page, u32 kind, bool joins)
{
    RamRun *last = runs->len ? &g_array_index(runs, RamRun, runs->len - 1) : NULL;

    if (joins && last && last->layer == kind && last->page + last->pages == page) {
        last->pages++;
    } else if (runs->len < RAM_RUNS_MAX) {
        RamRun run = { page, 1, kind };

        g_array_append_val(runs, run);
    }
}

/* A page of zeroes that no file has costs a run nothing until it writes there. */
static void look(int pages, const MemRegion *region, const u8 *host, GArray *runs)
{
    u64 words[BATCH], n = region->size / PAGE_BYTES;

    for (u64 i = 0; i < n; i++) {
        u64 word;

        if (i % BATCH == 0) {
            host_pages_look(pages, host + i * PAGE_BYTES, MIN(BATCH, n - i), words);
        }
        word = words[i % BATCH];
        if (host_page_is_written(word) && !is_zero(host + i * PAGE_BYTES)) {
            add_page(runs, region->page + i, KIND_WRITTEN, i > 0);
        } else if (host_page_is_there(word) && !host_page_is_written(word)) {
            add_page(runs, region->page + i, KIND_READ, i > 0);
        }
    }
}

static void look_at_all(Mem *mem, int pages, GArray *regions, GArray *runs)
{
    MemRegion region;
    struct iovec iov;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        RamRegion ours = { region.base, region.size };

        if (!mem_iov(mem, region.base, region.size, &iov)) {
            g_assert_not_reached();
        }
        g_array_append_val(regions, ours);
        look(pages, &region, iov.iov_base, runs);
    }
}

static u64 count(const GArray *runs)
{
    u64 pages = 0;

    for (unsigned i = 0; i < runs->len; i++) {
        pages += g_array_index(runs, RamRun, i).pages;
    }
    return pages;
}

static bool write_touched(const char *path, const GArray *regions, const GArray *runs,
                          GError **err)
{
    g_autoptr(GByteArray) sections = g_byte_array_new(), file = g_byte_array_new();

    ram_section_put(regions, runs, sections);
    return state_file_make(sections, state_file_format(sections), file, err) &&
           g_file_set_contents(path, (char *)file->data, file->len, err);
}

/* Once. */
static void record(Mem *mem)
{
    g_autoptr(GArray) regions = g_array_new(FALSE, FALSE, sizeof(RamRegion));
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(RamRun));
    g_autofree char *path = touched_path(the_config);
    g_autoptr(GError) error = NULL;
    int pages = host_pages_open();

    the_config = NULL;
    if (pages < 0) {
        info_user("prefetch=record: /proc/self/pagemap: %s", g_strerror(errno));
        return;
    }
    look_at_all(mem, pages, regions, runs);
    close(pages);
    if (write_touched(path, regions, runs, &error)) {
        info_user("prefetch=record: %" G_GUINT64_FORMAT " pages are noted in %s",
                  count(runs), path);
    } else {
        info_user("prefetch=record: %s", error->message);
    }
}

static gboolean record_now(gpointer vm)
{
    if (the_config) {
        record(((Vm *)vm)->machine->mem);
    }
    return G_SOURCE_REMOVE;
}

/* Any thread. */
static void found(void *vm)
{
    g_idle_add_full(G_PRIORITY_HIGH, record_now, vm, NULL);
}

static void heard(void *opaque, Vm *vm, const VmEvent *event)
{
    (void)opaque;
    if (event->kind == VM_EVENT_SHUTDOWN) {
        record_now(vm);
    }
}

bool touched_attach(Vm *vm, const VmConfig *config, GError **err)
{
    const LoadvmOption *loadvm = &config->loadvm;

    if (!loadvm->name || loadvm->prefetch == PREFETCH_OFF) {
        return true;
    }
    if (loadvm->prefetch == PREFETCH_ON) {
        return prefetch(vm->machine->mem, config, err);
    }
    the_config = config;
    vm_listen(vm, heard, NULL);
    if (loadvm->until) {
        chardevs_watch(loadvm->until, found, vm);
    }
    return true;
}

void touched_detach(Vm *vm)
{
    if (the_config) {
        the_config = NULL;
        vm_unlisten(vm, heard, NULL);
    }
}

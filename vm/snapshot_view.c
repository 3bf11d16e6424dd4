/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as tools see it: see snapshot_view.h. */

#include "vm/snapshot_view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static StateFile *read_state(const char *dir, GError **err)
{
    g_autofree char *path = g_build_filename(dir, "state", NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    StateFile *file;

    if (fd < 0) {
        snapshot_refuse(err, "state: %s", g_strerror(errno));
        return NULL;
    }
    file = state_file_read(fd, err);
    close(fd);
    return file;
}

static bool get_words(SnapshotView *view, GError **err)
{
    Reader in;
    u32 n;

    if (!state_file_section(view->file, "options", &in, err)) {
        return false;
    }
    n = reader_get(&in, 4);
    for (u64 i = 0; i < 2 * (u64)n && !in.failed; i++) {
        g_autofree char *text = reader_text(&in);

        if (text) {
            g_ptr_array_add(view->words, g_steal_pointer(&text));
        }
    }
    return (!in.failed && in.left == 0) || snapshot_refuse(err, "options: damaged");
}

static bool get_clock(SnapshotView *view, GError **err)
{
    g_autofree Record *record = g_new0(Record, 1);
    Reader in;

    return state_file_section(view->file, "clock", &in, err) &&
           (record_get(&in, record) || snapshot_refuse(err, "clock: damaged")) &&
           record_load(record, "clock", snapshot_clock_rows, &view->clock,
                       sizeof view->clock, err);
}

static void count_parts(SnapshotView *view)
{
    for (unsigned i = 0; i < view->file->sections->len; i++) {
        const char *name = g_array_index(view->file->sections, StateSection, i).name;

        view->cpus += g_str_has_prefix(name, "cpu") && g_ascii_isdigit(name[3]);
        view->devices += g_str_has_prefix(name, "device/");
    }
}

static bool get_all(SnapshotView *view, GError **err)
{
    view->file = read_state(view->dir, err);
    view->layers = view->file ? layers_parse(view->file, view->dir, err) : NULL;
    if (!view->layers ||
        !ram_section_get(view->file, view->layers->n, &view->ram, err)) {
        return false;
    }
    view->disks = disks_parse(view->file, err);
    count_parts(view);
    return view->disks && get_words(view, err) && get_clock(view, err);
}

SnapshotView *snapshot_view(const char *dir, GError **err)
{
    g_autoptr(SnapshotView) view = g_new0(SnapshotView, 1);

    view->dir = g_canonicalize_filename(dir, NULL);
    view->words = g_ptr_array_new_with_free_func(g_free);
    if (!get_all(view, err)) {
        g_prefix_error(err, "%s: ", dir);
        return NULL;
    }
    return g_steal_pointer(&view);
}

void snapshot_view_free(SnapshotView *view)
{
    if (view) {
        g_free(view->dir);
        state_file_free(view->file);
        layers_free(view->layers);
        ram_section_clear(&view->ram);
        g_clear_pointer(&view->disks, g_ptr_array_unref);
        g_ptr_array_unref(view->words);
        g_free(view);
    }
}

u64 snapshot_view_ram(const SnapshotView *view)
{
    u64 bytes = 0;

    for (unsigned i = 0; i < view->ram.regions->len; i++) {
        bytes += g_array_index(view->ram.regions, RamRegion, i).size;
    }
    return bytes;
}

u64 snapshot_view_stored(const SnapshotView *view, u32 from, u32 to)
{
    u64 pages = 0;

    for (unsigned i = 0; i < view->ram.runs->len; i++) {
        const RamRun *run = &g_array_index(view->ram.runs, RamRun, i);

        pages += run->layer >= from && run->layer <= to ? run->pages : 0;
    }
    return pages * 4096;
}

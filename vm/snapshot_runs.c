/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the pages of RAM are: see snapshot_runs.h. */

#include "vm/snapshot_runs.h"

/* Far more pages than any machine has, and their bytes are still a number. */
#define PAGES_MAX (1ull << 48)

void ram_section_put(const GArray *regions, const GArray *runs, GByteArray *out)
{
    size_t begin = state_section_begin(out, "ram");

    put_number(out, regions->len, 4);
    for (unsigned i = 0; i < regions->len; i++) {
        const RamRegion *region = &g_array_index(regions, RamRegion, i);

        put_number(out, region->base, 8);
        put_number(out, region->size, 8);
    }
    put_number(out, runs->len, 4);
    for (unsigned i = 0; i < runs->len; i++) {
        const RamRun *run = &g_array_index(runs, RamRun, i);

        put_number(out, run->page, 8);
        put_number(out, run->pages, 8);
        put_number(out, run->layer, 4);
    }
    state_section_end(out, begin);
}

static bool get_regions(Reader *in, GArray *regions, GError **err)
{
    u32 n = reader_get(in, 4);

    for (u32 i = 0; i < n && n <= RAM_REGIONS_MAX && !in->failed; i++) {
        RamRegion region = { .base = reader_get(in, 8) };

        region.size = reader_get(in, 8);
        g_array_append_val(regions, region);
    }
    return (n <= RAM_REGIONS_MAX && !in->failed) ||
           snapshot_refuse(err, "ram: %u regions are not in it", n);
}

static bool get_runs(Reader *in, u32 layers, GArray *runs, GError **err)
{
    u32 n = reader_get(in, 4);
    u64 end = 0;

    if (n > RAM_RUNS_MAX) {
        return snapshot_refuse(err, "ram: %u runs; %d are possible", n, RAM_RUNS_MAX);
    }
    for (u32 i = 0; i < n; i++) {
        RamRun run;

        run.page = reader_get(in, 8);
        run.pages = reader_get(in, 8);
        run.layer = reader_get(in, 4);
        if (in->failed || run.layer >= layers || run.page < end || run.pages == 0 ||
            run.page > PAGES_MAX || run.pages > PAGES_MAX) {
            return snapshot_refuse(err, "ram: run %u is damaged", i);
        }
        end = run.page + run.pages;
        g_array_append_val(runs, run);
    }
    return in->left == 0 ||
           snapshot_refuse(err, "ram: %zu bytes are too many", in->left);
}

bool ram_section_get(StateFile *file, u32 layers, RamSection *ram, GError **err)
{
    Reader in;

    ram->regions = g_array_new(FALSE, FALSE, sizeof(RamRegion));
    ram->runs = g_array_new(FALSE, FALSE, sizeof(RamRun));
    if (state_file_section(file, "ram", &in, err) &&
        get_regions(&in, ram->regions, err) && get_runs(&in, layers, ram->runs, err)) {
        return true;
    }
    ram_section_clear(ram);
    return false;
}

void ram_section_clear(RamSection *ram)
{
    g_clear_pointer(&ram->regions, g_array_unref);
    g_clear_pointer(&ram->runs, g_array_unref);
}

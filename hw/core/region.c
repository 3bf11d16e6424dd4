/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions: what stands in a space, and its comings and goings.  Under the machine lock,
 * or before the machine starts.
 */

#include "hw/core/memory.h"

#include "hw/core/space_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void region_init_io(Region *region, const char *name, const RegionOps *ops,
                    void *opaque, u64 size)
{
    *region = (Region){ .name = name, .size = size, .ops = ops, .opaque = opaque,
                        .ram_page = UINT64_MAX };
}

void region_init_host(Region *region, const char *name, u8 *host, u64 size)
{
    *region = (Region){ .name = name, .size = size, .host = host,
                        .ram_page = UINT64_MAX };
}

bool region_init_rom(Region *region, const char *name, u64 size, GError **err)
{
    void *host;

    g_assert(size && !(size & ~PAGE_MASK));
    host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (host == MAP_FAILED) {
        *region = (Region){ 0 };
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot allocate ROM '%s': %s", name, g_strerror(errno));
        return false;
    }
    region_init_host(region, name, host, size);
    region->readonly = true;
    region->owns_host = true;
    return true;
}

void region_init_foreign(Region *region, const char *name, void *host, u64 size)
{
    g_assert(size && !(((uintptr_t)host | size) & ~PAGE_MASK));
    region_init_host(region, name, host, size);
}

bool region_is_foreign(const Region *region)
{
    return region->host && region->ram_page == UINT64_MAX && !region->readonly;
}

u8 *region_rom_bytes(Region *region)
{
    return region->host;
}

void region_set_ops(Region *region, const RegionOps *ops, void *opaque)
{
    region->ops = ops;
    region->opaque = opaque;
}

void region_fini(Region *region)
{
    space_remove(region);
    if (region->owns_host) {
        munmap(region->host, region->size);
    }
    if (region->doorbells) {
        g_array_free(region->doorbells, TRUE);
    }
    *region = (Region){ 0 };
}

void space_add(Space *space, Region *region, u64 base, int priority)
{
    g_assert(!region->space && !(region->host && (base & ~PAGE_MASK)));
    region->space = space;
    region->base = base;
    region->priority = priority;
    region->enabled = true;
    g_ptr_array_add(space->regions, region);
    space_update(space, region->doorbells != NULL);
}

void space_remove(Region *region)
{
    Space *space = region->space;

    if (space) {
        g_ptr_array_remove(space->regions, region);
        region->space = NULL;
        space_update(space, region->doorbells != NULL);
    }
}

void region_move(Region *region, u64 base)
{
    g_assert(!(region->host && (base & ~PAGE_MASK)));
    if (region->base != base) {
        region->base = base;
        if (region->space) {
            space_update(region->space, false);
        }
    }
}

void region_enable(Region *region, bool enabled)
{
    if (region->enabled != enabled) {
        region->enabled = enabled;
        if (region->space) {
            space_update(region->space, false);
        }
    }
}

void region_add_doorbell(Region *region, const Doorbell *bell)
{
    if (!region->doorbells) {
        region->doorbells = g_array_new(FALSE, FALSE, sizeof(Doorbell));
    }
    g_array_append_val(region->doorbells, *bell);
    if (region->space) {
        space_update(region->space, true);
    }
}

void region_remove_doorbell(Region *region, int fd)
{
    for (unsigned i = region->doorbells ? region->doorbells->len : 0; i-- > 0;) {
        if (g_array_index(region->doorbells, Doorbell, i).fd == fd) {
            g_array_remove_index(region->doorbells, i);
        }
    }
    if (region->space) {
        space_update(region->space, true);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PAM segments: see pam.h.  Under the machine lock, or before the machine starts.
 */

#include "hw/machine/pam.h"
#include <string.h>

/* Which half of which register rules a segment. */
static const struct {
    gpa base;
    u32 size;
    u8 reg, shift;
} place[PAM_SEGMENTS] = {
    { 0xc0000, 0x4000, 1, 0 }, { 0xc4000, 0x4000, 1, 4 },
    { 0xc8000, 0x4000, 2, 0 }, { 0xcc000, 0x4000, 2, 4 },
    { 0xd0000, 0x4000, 3, 0 }, { 0xd4000, 0x4000, 3, 4 },
    { 0xd8000, 0x4000, 4, 0 }, { 0xdc000, 0x4000, 4, 4 },
    { 0xe0000, 0x4000, 5, 0 }, { 0xe4000, 0x4000, 5, 4 },
    { 0xe8000, 0x4000, 6, 0 }, { 0xec000, 0x4000, 6, 4 },
    { 0xf0000, 0x10000, 0, 4 },
};

enum { PRIORITY = 1 };

/* Only 0xe0000-0xfffff has ROM behind it: elsewhere nobody answers. */
static bool has_rom(const PamSegment *segment)
{
    return segment->base >= PAM_END - PAM_ROM_MAX;
}

static u64 mixed_read(void *opaque, u64 offset, unsigned size)
{
    PamSegment *segment = opaque;

    (void)size;
    return has_rom(segment) ? region_rom_bytes(&segment->rom)[offset] : 0xff;
}

static void mixed_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    PamSegment *segment = opaque;
    u8 byte = value;

    (void)size;
    if (segment->mode & PAM_WRITE &&
        !mem_write(segment->machine->mem, segment->base + offset, &byte, 1)) {
        g_assert_not_reached();         /* pam_open saw that there is RAM */
    }
}

static const RegionOps mixed_ops = { mixed_read, mixed_write, .sizes = 1 };

/* With the space between begin and commit. */
static void show(PamSegment *segment, u8 mode)
{
    segment->mode = mode;
    if (has_rom(segment)) {
        region_enable(&segment->rom, mode == 0);
    }
    region_enable(&segment->mixed, mode == PAM_WRITE ||
                                   (mode == 0 && !has_rom(segment)));
    region_enable(&segment->ram, mode == PAM_READ);
}

static bool segment_open(PamSegment *segment, unsigned i, GError **err)
{
    Space *space = segment->machine->mmio;

    segment->base = place[i].base;
    if (has_rom(segment) &&
        !region_init_rom(&segment->rom, "pam-rom", place[i].size, err)) {
        return false;
    }
    if (!region_init_alias(&segment->ram, "pam-ram", segment->machine->mem,
                           place[i].base, place[i].size, true)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "this machine needs at least 1 MiB of RAM");
        return false;
    }
    region_init_io(&segment->mixed, "pam-mixed", &mixed_ops, segment, place[i].size);
    if (has_rom(segment)) {
        space_add(space, &segment->rom, place[i].base, PRIORITY);
    }
    space_add(space, &segment->mixed, place[i].base, PRIORITY);
    space_add(space, &segment->ram, place[i].base, PRIORITY);
    show(segment, 0);
    return true;
}

bool pam_open(PamSegment *segments, Machine *machine, GError **err)
{
    bool done = true;

    space_begin(machine->mmio);
    for (unsigned i = 0; i < PAM_SEGMENTS && done; i++) {
        segments[i].machine = machine;
        done = segment_open(&segments[i], i, err);
    }
    space_commit(machine->mmio);
    return done;
}

void pam_close(PamSegment *segments)
{
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        region_fini(&segments[i].rom);
        region_fini(&segments[i].mixed);
        region_fini(&segments[i].ram);
    }
}

void pam_set_rom(PamSegment *segments, const u8 *bytes, size_t n)
{
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        size_t from_end = PAM_END - place[i].base;

        if (!has_rom(&segments[i])) {
            continue;
        }
        if (from_end > n) {
            memset(region_rom_bytes(&segments[i].rom), 0xff, place[i].size);
        } else {
            memcpy(region_rom_bytes(&segments[i].rom), bytes + n - from_end,
                   place[i].size);
        }
    }
}

void pam_update(PamSegment *segments, const u8 *registers)
{
    Space *space = segments[0].machine->mmio;

    space_begin(space);
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        show(&segments[i], registers[place[i].reg] >> place[i].shift & 3);
    }
    space_commit(space);
}

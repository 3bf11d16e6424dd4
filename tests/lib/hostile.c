/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that lies in its rings: see hostile.h.
 *
 *     0x01000         0xc0000   0xc8000    0xd0000               1M
 *     [ rings, tables | guard   | read only | what may be written ]    nothing, wild
 *
 * No descriptor ever leads to the guard, and no honest one lets the device write to
 * what is read only: so what changes there was not the driver's wish.
 */

#include "tests/lib/hostile.h"

#include "tests/lib/chance.h"
#include "tests/lib/driver.h"

#include <string.h>

enum {
    GUARD = 0xc0000, READ_ONLY = 0xc8000, WRITABLE = 0xd0000, RAM_END = 0x100000,
    QUEUES = 4, NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80, USED = 0x8000,
};

typedef struct {
    Rig *rig;
    Driver d;
    Chance chance;
    DriverRing ring[QUEUES];
    unsigned n_rings;
    u32 room[QUEUES][DRIVER_RING_MAX];      /* by queue and id */
    bool up, honest;                        /* honest: no lie since it came up */
    u8 pattern[WRITABLE - GUARD];           /* what lies between the two */
} Hostile;

static Machine *machine_of(const Hostile *h)
{
    return h->rig->machine;
}

/* ---- coming up ---- */

static u16 some_size(Hostile *h, u16 most)
{
    if (h->d.features & F_PACKED) {
        return 1 + chance_below(&h->chance, most);
    }
    return MAX(most >> chance_below(&h->chance, 4), 1);
}

static void come_up(Hostile *h)
{
    Driver *d = &h->d;

    h->up = driver_open(d, machine_of(h), d->devfn) &&
            driver_negotiate(d, F_VERSION_1 | chance_next(&h->chance));
    h->honest = true;
    g_assert_true(mem_write(machine_of(h)->mem, GUARD, h->pattern, sizeof h->pattern));
    h->n_rings = MIN(driver_get(d, NUM_QUEUES), QUEUES);
    for (unsigned i = 0; h->up && i < h->n_rings; i++) {
        driver_set(d, QUEUE_SELECT, i);
        h->up = driver_ring(d, &h->ring[i], i, some_size(h, driver_get(d, QUEUE_SIZE)));
    }
    driver_ok(d);
}

/* ---- the truth ---- */

static void add_chain(Hostile *h, DriverRing *ring)
{
    DriverBuf buf[8];
    unsigned n = 1 + chance_below(&h->chance, G_N_ELEMENTS(buf));
    unsigned n_out = chance_below(&h->chance, n + 1);
    u32 room = 0;
    int id;

    for (unsigned i = 0; i < n; i++) {
        u32 bytes = chance_below(&h->chance, chance_one_in(&h->chance, 8) ? 9000 : 200);
        gpa at = i < n_out ? READ_ONLY + chance_below(&h->chance, 0x4000)
                           : WRITABLE + chance_below(&h->chance, 0x20000);

        buf[i] = (DriverBuf){ at, bytes, i >= n_out };
        room += i >= n_out ? bytes : 0;
    }
    id = ring_add(ring, buf, n, h->d.features & F_INDIRECT &&
                                chance_one_in(&h->chance, 2));
    if (id >= 0) {
        h->room[ring->n][id] = room;
    }
}

/* ---- the lies ---- */

static u64 some_address(Hostile *h, bool *may_write)
{
    *may_write = false;
    switch (chance_below(&h->chance, 6)) {
    case 0:
        return READ_ONLY + chance_below(&h->chance, 0x8000);
    case 1:
        return h->ring[chance_below(&h->chance, h->n_rings)].desc;
    case 2:
        *may_write = true;
        return UINT64_MAX - chance_below(&h->chance, 64);
    case 3:
        *may_write = true;
        return RAM_END - 8 + chance_below(&h->chance, 16);
    case 4:
        *may_write = true;
        return chance_next(&h->chance) | 1ull << 40;
    default:
        *may_write = true;
        return WRITABLE + chance_below(&h->chance, 0x30000);
    }
}

static u32 some_length(Hostile *h)
{
    static const u32 lengths[] = { 0, 1, 15, 16, 32, 4096, 16384, 16400, 0x7fffffff,
                                   0xfffffff0, 0xffffffff };

    return chance_one_in(&h->chance, 2)
           ? lengths[chance_below(&h->chance, G_N_ELEMENTS(lengths))]
           : chance_below(&h->chance, 4096);
}

/* A descriptor, mostly one that the device will see next. */
static u16 some_index(Hostile *h, const DriverRing *ring)
{
    u16 back = 1 + chance_below(&h->chance, 6), at = ring->next_avail - back;

    if (back > ring->size || chance_one_in(&h->chance, 4)) {
        return chance_below(&h->chance, ring->size);
    }
    if (ring->packed) {
        return ((ring->next_avail & 0x7fff) + ring->size - back) % ring->size;
    }
    return ram_get(machine_of(h), ring->avail + 4 + 2 * (at % ring->size), 2) %
           ring->size;
}

/* Any descriptor at all, but for the promise about what may be written. */
static void lie_in_entry(Hostile *h, const DriverRing *ring, gpa at)
{
    bool may_write;
    u64 address = some_address(h, &may_write);
    u16 flags = chance_below(&h->chance, 8), mark = 0;

    if (ring->packed) {
        mark = chance_below(&h->chance, 4) << 7;
        mark = (mark & AVAIL) | (mark & 0x100 ? USED : 0);
    }
    if (!may_write) {
        flags &= ~WRITE;
    }
    ram_put(machine_of(h), at, address, 8);
    ram_put(machine_of(h), at + 8, some_length(h), 4);
    ram_put(machine_of(h), at + 12, ring->packed ? chance_below(&h->chance, 300)
                                                 : flags, 2);
    ram_put(machine_of(h), at + 14, ring->packed ? flags | mark
                                                 : chance_below(&h->chance, 300), 2);
}

static void lie_in_ring(Hostile *h, const DriverRing *ring)
{
    lie_in_entry(h, ring, ring->desc + 16 * some_index(h, ring));
}

static void lie_in_table(Hostile *h, const DriverRing *ring)
{
    lie_in_entry(h, ring, ring->tables + 128 * some_index(h, ring) +
                          16 * chance_below(&h->chance, 8));
}

/* A chain that leads back, or on where nothing was meant. */
static void lie_in_links(Hostile *h, const DriverRing *ring)
{
    gpa at = ring->desc + 16 * some_index(h, ring);
    unsigned flags_at = ring->packed ? 14 : 12;
    u16 flags = ram_get(machine_of(h), at + flags_at, 2);

    ram_put(machine_of(h), at + flags_at, flags | NEXT, 2);
    if (!ring->packed) {
        ram_put(machine_of(h), at + 14, chance_below(&h->chance, 2 * ring->size), 2);
    }
}

/* Also the other way round: a chain given twice, a head that is none. */
static void lie_in_avail(Hostile *h, const DriverRing *ring)
{
    unsigned n = ring->packed ? 2 : 3 + ring->size;
    gpa at = ring->avail + 2 * chance_below(&h->chance, n);

    if (!ring->packed && chance_one_in(&h->chance, 2)) {
        at = ring->avail + 4 + 2 * ((u16)(ring->next_avail - 1) % ring->size);
    }
    ram_put(machine_of(h), at, chance_below(&h->chance, 2)
            ? chance_below(&h->chance, 2 * ring->size) : chance_next(&h->chance), 2);
}

static void lie_in_used(Hostile *h, const DriverRing *ring)
{
    unsigned n = ring->packed ? 2 : 3 + 4 * ring->size;

    ram_put(machine_of(h), ring->used + 2 * chance_below(&h->chance, n),
            chance_next(&h->chance), 2);
}

static void lie_in_ids(Hostile *h, const DriverRing *ring)
{
    if (ring->packed) {
        ram_put(machine_of(h), ring->desc + 16 * some_index(h, ring) + 12,
                chance_below(&h->chance, 4), 2);
    } else {
        u16 idx = ram_get(machine_of(h), ring->avail + 2, 2);

        ram_put(machine_of(h), ring->avail + 2, idx + chance_below(&h->chance, 4), 2);
    }
}

static void lie(Hostile *h, const DriverRing *ring)
{
    static void (*const lies[])(Hostile *h, const DriverRing *ring) = {
        lie_in_ring, lie_in_ring, lie_in_table, lie_in_table, lie_in_links,
        lie_in_avail, lie_in_used, lie_in_ids,
    };

    h->honest = false;
    for (unsigned n = 1 + chance_below(&h->chance, 4); n; n--) {
        lies[chance_below(&h->chance, G_N_ELEMENTS(lies))](h, ring);
    }
}

/* ---- what the device made of it ---- */

static char *poll_ring(Hostile *h, DriverRing *ring)
{
    DriverUsed used;

    for (unsigned i = 0; i < ring->size && ring_poll(ring, &used); i++) {
        u32 room = used.id < ring->size ? h->room[ring->n][used.id] : 0;

        if (h->honest && used.bytes > room) {
            return complaint("says it wrote %u bytes, there was room for %u",
                             used.bytes, room);
        }
    }
    return NULL;
}

/* A packed ring's used entries keep the address of what was read: a lie may use it. */
static char *memory_is_wrong(Hostile *h)
{
    unsigned n = h->honest ? sizeof h->pattern : READ_ONLY - GUARD;
    u8 now[sizeof h->pattern];

    g_assert_true(mem_read(machine_of(h)->mem, GUARD, now, n));
    return memcmp(now, h->pattern, n) == 0 ? NULL
           : complaint("writes to memory that it was not given");
}

static char *hostile_round(Hostile *h)
{
    DriverRing *ring;
    Clock *clock = machine_of(h)->clock;
    u8 status;

    if (!h->up || chance_one_in(&h->chance, 64)) {
        come_up(h);
    }
    if (!h->up) {
        return complaint("does not come up");
    }
    ring = &h->ring[chance_below(&h->chance, h->n_rings)];
    for (unsigned n = chance_below(&h->chance, 6); n; n--) {
        add_chain(h, ring);
    }
    if (chance_one_in(&h->chance, 2)) {
        lie(h, ring);
    }
    ring_publish(ring);
    ring_notify(ring);
    if (chance_one_in(&h->chance, 4)) {
        clock_set(clock, clock_now(clock) + (1ull << chance_below(&h->chance, 34)));
        clock_run_due(clock);
    }
    status = driver_get(&h->d, STATUS);
    h->up = status == 0x0f;
    return poll_ring(h, ring);
}

char *hostile_rings(Rig *rig, u64 seed, unsigned rounds)
{
    g_autofree Hostile *h = g_new0(Hostile, 1);
    char *why = NULL;

    h->rig = rig;
    h->chance = chance_new(seed);
    h->d.devfn = driver_first(rig->machine);
    memset(h->pattern, 0xa5, sizeof h->pattern);
    for (unsigned i = 0; !why && i < rounds; i++) {
        why = hostile_round(h);
        if (!why && i % 8 == 0) {
            why = memory_is_wrong(h);
        }
    }
    return why;
}

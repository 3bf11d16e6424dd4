/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake driver's rings, split (virtio 1.2, section 2.7) and packed (2.8).  See
 * driver.h.
 */

#include "tests/lib/driver.h"

enum {
    D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4, D_AVAIL = 1 << 7, D_USED = 1 << 15,
    WRAP_BIT = 0x8000, TABLE_ENTRIES = 8,
};

static Machine *machine_of(const DriverRing *ring)
{
    return ring->driver->machine;
}

/* 2.7: sizes of the areas; 2.8.10.1: of the event suppression structures. */
bool driver_ring(Driver *d, DriverRing *ring, unsigned n, u16 size)
{
    bool packed = d->features & F_PACKED;

    *ring = (DriverRing){
        .driver = d, .n = n, .size = size, .packed = packed, .free = size,
        .event_idx = d->features & F_EVENT_IDX,
        .next_avail = packed ? WRAP_BIT : 0, .next_used = packed ? WRAP_BIT : 0,
        .published = packed ? WRAP_BIT : 0,
    };
    ring->desc = driver_alloc(d, 16 * size, 16);
    ring->avail = driver_alloc(d, packed ? 4 : 6 + 2 * size, packed ? 4 : 2);
    ring->used = driver_alloc(d, packed ? 4 : 6 + 8 * size, 4);
    ring->tables = driver_alloc(d, 16 * TABLE_ENTRIES * size, 16);
    for (unsigned i = 0; i < size; i++) {
        ring->link[i] = i + 1;
    }
    driver_set(d, QUEUE_SELECT, n);
    driver_set(d, QUEUE_SIZE, size);
    if (d->msix && driver_config(d, d->msix + 2, 2) & 0x8000) {
        driver_set(d, QUEUE_MSIX_VECTOR, n + 1);
    }
    driver_set(d, QUEUE_DESC, ring->desc);
    driver_set(d, QUEUE_DRIVER, ring->avail);
    driver_set(d, QUEUE_DEVICE, ring->used);
    driver_set(d, QUEUE_ENABLE, 1);
    return driver_get(d, QUEUE_SIZE) == size && driver_get(d, QUEUE_ENABLE) == 1;
}

/* ---- descriptors ---- */

static void put_desc(const DriverRing *ring, gpa at, const DriverBuf *buf, u16 third,
                     u16 fourth)
{
    ram_put(machine_of(ring), at, buf->at, 8);
    ram_put(machine_of(ring), at + 8, buf->bytes, 4);
    ram_put(machine_of(ring), at + 12, third, 2);
    ram_put(machine_of(ring), at + 14, fourth, 2);
}

/* The table of chain `id` as one buffer.  Split: the first, then from the last down. */
static DriverBuf put_table(const DriverRing *ring, u16 id, const DriverBuf *buf,
                           unsigned n)
{
    gpa at = ring->tables + 16 * TABLE_ENTRIES * id;

    for (unsigned i = 0; i < n; i++) {
        u16 flags = buf[i].write ? D_WRITE : 0;
        bool last = i + 1 == n;

        if (ring->packed) {
            put_desc(ring, at + 16 * i, &buf[i], 0, flags);
        } else {
            put_desc(ring, at + 16 * (i ? n - i : 0), &buf[i],
                     last ? flags : flags | D_NEXT, last ? 0 : n - i - 1);
        }
    }
    return (DriverBuf){ at, 16 * n, false };
}

/* ---- split ---- */

static int split_add(DriverRing *ring, const DriverBuf *buf, unsigned n, u16 flags)
{
    u16 head = ring->first_free, index = head, entry;

    for (unsigned i = 0; i < n; i++) {
        u16 next = ring->link[index];

        put_desc(ring, ring->desc + 16 * index, &buf[i],
                 flags | (buf[i].write ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0),
                 i + 1 < n ? next : 0);
        index = next;
    }
    ring->first_free = index;
    entry = ring->next_avail++ % ring->size;
    ram_put(machine_of(ring), ring->avail + 4 + 2 * entry, head, 2);
    return head;
}

static bool split_poll(DriverRing *ring, DriverUsed *used)
{
    gpa entry = ring->used + 4 + 8 * (ring->next_used % ring->size);
    u16 last;

    if ((u16)ram_get(machine_of(ring), ring->used + 2, 2) == ring->next_used) {
        return false;
    }
    ring->next_used++;
    used->id = ram_get(machine_of(ring), entry, 4);
    used->bytes = ram_get(machine_of(ring), entry + 4, 4);
    if (used->id >= ring->size || !ring->slots[used->id]) {
        return false;
    }
    last = used->id;
    for (unsigned i = 1; i < ring->slots[used->id]; i++) {
        last = ring->link[last];
    }
    ring->link[last] = ring->first_free;
    ring->first_free = used->id;
    return true;
}

/* ---- packed ---- */

/* Positions of a ring, with their wrap counter, as numbers that only go up. */
static u16 move_on(const DriverRing *ring, u16 position, u16 n)
{
    u16 at = (position & ~WRAP_BIT) + n;

    return at < ring->size ? at | (position & WRAP_BIT)
                           : (at - ring->size) | (~position & WRAP_BIT);
}

static int packed_add(DriverRing *ring, const DriverBuf *buf, unsigned n, u16 flags)
{
    u16 id = ring->first_free;

    ring->first_free = ring->link[id];
    for (unsigned i = 0; i < n; i++) {
        u16 position = ring->next_avail;
        u16 mark = position & WRAP_BIT ? D_AVAIL : D_USED;
        u16 all = flags | mark | (buf[i].write ? D_WRITE : 0) |
                  (i + 1 < n ? D_NEXT : 0);
        gpa at = ring->desc + 16 * (position & ~WRAP_BIT);

        /* The first entry's flags show the rest: they wait for ring_publish. */
        if (position == ring->published) {
            ring->head_flags = all;
            all = ram_get(machine_of(ring), at + 14, 2);
        }
        put_desc(ring, at, &buf[i], id, all);
        ring->next_avail = move_on(ring, position, 1);
    }
    return id;
}

static bool packed_poll(DriverRing *ring, DriverUsed *used)
{
    gpa at = ring->desc + 16 * (ring->next_used & ~WRAP_BIT);
    u16 flags = ram_get(machine_of(ring), at + 14, 2);
    bool wrap = ring->next_used & WRAP_BIT;

    if (!!(flags & D_AVAIL) != wrap || !!(flags & D_USED) != wrap) {
        return false;
    }
    used->bytes = ram_get(machine_of(ring), at + 8, 4);
    used->id = ram_get(machine_of(ring), at + 12, 2);
    if (used->id >= ring->size || !ring->slots[used->id]) {
        return false;
    }
    ring->next_used = move_on(ring, ring->next_used, ring->slots[used->id]);
    ring->link[used->id] = ring->first_free;
    ring->first_free = used->id;
    return true;
}

/* ---- both ---- */

int ring_add(DriverRing *ring, const DriverBuf *buf, unsigned n, bool indirect)
{
    bool table = indirect && n <= TABLE_ENTRIES;
    unsigned slots = table ? 1 : n;
    DriverBuf whole;
    int id;

    if (slots > ring->free) {
        return -1;
    }
    if (table) {
        whole = put_table(ring, ring->first_free, buf, n);
        buf = &whole;
    }
    id = (ring->packed ? packed_add : split_add)(ring, buf, slots,
                                                 table ? D_INDIRECT : 0);
    ring->slots[id] = slots;
    ring->free -= slots;
    return id;
}

bool ring_poll(DriverRing *ring, DriverUsed *used)
{
    bool good = ring->packed ? packed_poll(ring, used) : split_poll(ring, used);

    if (good) {
        ring->free += ring->slots[used->id];
        ring->slots[used->id] = 0;
    }
    return good;
}

void ring_publish(DriverRing *ring)
{
    if (!ring->packed) {
        ram_put(machine_of(ring), ring->avail + 2, ring->next_avail, 2);
    } else if (ring->published != ring->next_avail) {
        ram_put(machine_of(ring), ring->desc + 16 * (ring->published & ~WRAP_BIT) + 14,
                ring->head_flags, 2);
    }
    ring->published = ring->next_avail;
}

/* Entries from a to b, going up. */
static u16 distance(const DriverRing *ring, u16 a, u16 b)
{
    int d = (b & ~WRAP_BIT) - (a & ~WRAP_BIT);

    if (!ring->packed) {
        return b - a;
    }
    return (a ^ b) & WRAP_BIT ? d + ring->size : d;
}

/* 2.7.10.1, 2.8.10. */
bool ring_wants_kick(DriverRing *ring, u16 before)
{
    u16 added = distance(ring, before, ring->next_avail);
    u16 event, flags;

    if (ring->packed) {
        event = ram_get(machine_of(ring), ring->used, 2);
        flags = ram_get(machine_of(ring), ring->used + 2, 2) & 3;
        return flags == 2 ? distance(ring, before, event) < added : flags == 0;
    }
    if (ring->event_idx) {
        event = ram_get(machine_of(ring), ring->used + 4 + 8 * ring->size, 2);
        return (u16)(event - before) < added;
    }
    return !(ram_get(machine_of(ring), ring->used, 2) & 1);
}

void ring_notify(DriverRing *ring)
{
    Driver *d = ring->driver;

    driver_set(d, QUEUE_SELECT, ring->n);
    driver_write(d, AREA_NOTIFY,
                 driver_get(d, QUEUE_NOTIFY_OFF) * d->notify_multiplier, ring->n, 2);
}

/* ---- interrupts wanted (2.7.7.1, 2.8.10) ---- */

void ring_quiet(DriverRing *ring)
{
    if (ring->packed) {
        ram_put(machine_of(ring), ring->avail + 2, 1, 2);
    } else if (ring->event_idx) {
        ring_event(ring, 0x8000);
    } else {
        ram_put(machine_of(ring), ring->avail, 1, 2);
    }
}

void ring_loud(DriverRing *ring)
{
    ram_put(machine_of(ring), ring->avail + (ring->packed ? 2 : 0), 0, 2);
    if (!ring->packed && ring->event_idx) {
        ring_event(ring, 0);
    }
}

void ring_event(DriverRing *ring, u16 ahead)
{
    if (ring->packed) {
        u16 position = move_on(ring, ring->next_used, ahead);

        ram_put(machine_of(ring), ring->avail, position, 2);
        ram_put(machine_of(ring), ring->avail + 2, 2, 2);
    } else {
        ram_put(machine_of(ring), ring->avail + 4 + 2 * ring->size,
                (u16)(ring->next_used + ahead), 2);
    }
}

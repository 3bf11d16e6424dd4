/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU's access to a space, taken apart until each piece is one that its receiver
 * declared.
 *
 * A device sees naturally aligned accesses of its own widths only.  A piece that no
 * declared width fits exactly lies inside a wider one: a read is cut out of that, a
 * write is dropped, as a device without byte enables would.
 *
 * A callback may change the map (a guest moves a BAR), so no range is used after one.
 * Under the machine lock, except space_ring.
 */

#include "hw/core/memory.h"

#include "base/log.h"
#include "hw/core/space_private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#define HEX "0x%" G_GINT64_MODIFIER "x"

static u64 low_bytes(u64 value, unsigned n)
{
    return n < 8 ? value & ((1ull << (8 * n)) - 1) : value;
}

/* One access as the device will see it, and which of its bytes are ours. */
typedef struct {
    u64 offset;
    unsigned size;          /* 0: the device has no access for this */
    unsigned skip, take;    /* our bytes: [skip, skip + take) */
} Piece;

/* The first piece of `n` bytes at `offset`. */
static Piece piece_at(const Region *region, u64 offset, unsigned n)
{
    unsigned sizes = region->ops->sizes ? region->ops->sizes : 1 | 2 | 4 | 8;
    Piece piece = { offset, 0, 0, 1 };

    for (unsigned size = 8; size; size /= 2) {
        if ((sizes & size) && size <= n && offset % size == 0) {
            return (Piece){ offset, size, 0, size };
        }
    }
    for (unsigned size = 2; size <= 8; size *= 2) {
        u64 start = offset & -(u64)size;

        if ((sizes & size) && region->size - start >= size) {
            return (Piece){ start, size, offset - start,
                            MIN(n, size - (offset - start)) };
        }
    }
    return piece;
}

/* Bytes of an access at `at` that one range, or one hole, can take. */
static unsigned reach(const Space *space, const FlatRange *range, u64 at, unsigned n)
{
    const FlatView *view = space->view;
    u64 room = space->last - at;            /* bytes after the one at `at` */

    if (at > space->last) {
        return n;
    }
    if (range) {
        room = range->size - 1 - (at - range->base);
    } else {
        unsigned i = view_index(view, at);

        if (i < view->n) {
            room = view->range[i].base - at - 1;
        }
    }
    return room < n - 1 ? room + 1 : n;
}

static u64 region_read(const Region *region, u64 offset, unsigned n, unsigned *taken)
{
    Piece piece = piece_at(region, offset, n);
    u64 value = UINT64_MAX;

    *taken = piece.take;
    if (piece.size && region->ops->read) {
        value = region->ops->read(region->opaque, piece.offset, piece.size);
        value = low_bytes(value, piece.size) >> (8 * piece.skip);
    }
    return value;
}

u64 space_read(Space *space, u64 at, unsigned size)
{
    u64 result = 0;

    for (unsigned done = 0, n; done < size; done += n) {
        const FlatRange *range = space_find(space, at + done);
        u64 value = UINT64_MAX;

        /* Behind the last address there is nothing, and address 0 is not behind it. */
        range = at + done < at ? NULL : range;
        n = at + done < at ? size - done : reach(space, range, at + done, size - done);
        if (!range) {
            log_at(LOG_IO, "%s: nothing at " HEX ", read of %u", space->name,
                   at + done, n);
        } else {
            u64 offset = at + done - range->base + range->offset;

            if (range->region->host) {
                memcpy(&value, range->region->host + offset, n);
            } else {
                value = region_read(range->region, offset, n, &n);
            }
        }
        result |= low_bytes(value, n) << (8 * done);
    }
    return result;
}

/* ---- doorbells ---- */

/* Held for reading by whoever rings by a hint, so that the eventfd stays open. */
static pthread_rwlock_t hints_lock = PTHREAD_RWLOCK_INITIALIZER;
static u64 map_changes = 1;         /* of all spaces */

void bells_forget(void)
{
    pthread_rwlock_wrlock(&hints_lock);
    map_changes++;
    pthread_rwlock_unlock(&hints_lock);
}

bool space_ring(const BellHint *hint, u64 at, unsigned size)
{
    bool rung = false;

    if (hint->at == at && hint->size == size) {
        pthread_rwlock_rdlock(&hints_lock);
        if (hint->changes == map_changes) {
            rung = eventfd_write(hint->fd, 1) == 0 || errno == EAGAIN;
        }
        pthread_rwlock_unlock(&hints_lock);
    }
    return rung;
}

/* Rings the bells that this write is for; `hint`, or NULL: gets a lone one. */
static bool region_ring(const Region *region, u64 offset, u64 value, unsigned n,
                        BellHint *hint)
{
    bool rung = false;

    for (unsigned i = 0; region->doorbells && i < region->doorbells->len; i++) {
        const Doorbell *bell = &g_array_index(region->doorbells, Doorbell, i);

        if (bell->offset == offset && (!bell->size || bell->size == n) &&
            (!bell->match || low_bytes(bell->value, n) == value)) {
            if (hint) {
                hint->changes = rung || bell->match ? 0 : map_changes;
                hint->fd = bell->fd;
            }
            /* A full counter refuses: then it is signalled already. */
            rung = eventfd_write(bell->fd, 1) == 0 || errno == EAGAIN || rung;
        }
    }
    return rung;
}

static unsigned region_write(const Region *region, u64 offset, u64 value, unsigned n,
                             BellHint *hint)
{
    Piece piece = piece_at(region, offset, n);

    if (region_ring(region, offset, value, n, hint)) {
        return n;
    }
    if (!region->ops->write || piece.size != piece.take) {
        log_at(LOG_GUEST_ERROR | LOG_IO, "%s: write of %u bytes at " HEX " dropped",
               region->name, piece.take, offset);
    } else {
        region->ops->write(region->opaque, piece.offset, low_bytes(value, piece.size),
                           piece.size);
    }
    return piece.take;
}

static void host_write(const Region *region, u64 offset, u64 value, unsigned n)
{
    if (region->readonly) {
        log_at(LOG_IO, "%s: write to ROM at " HEX, region->name, offset);
        return;
    }
    memcpy(region->host + offset, &value, n);
    if (region->mem) {
        u64 first = offset / PAGE_BYTES, last = (offset + n - 1) / PAGE_BYTES;

        mem_pages_written(region->mem, region->ram_page + first, last - first + 1);
    }
}

static void write_all(Space *space, u64 at, u64 value, unsigned size, BellHint *hint)
{
    for (unsigned done = 0, n; done < size; done += n) {
        const FlatRange *range = space_find(space, at + done);
        u64 part = value >> (8 * done);

        range = at + done < at ? NULL : range;
        n = at + done < at ? size - done : reach(space, range, at + done, size - done);
        if (!range) {
            log_at(LOG_IO, "%s: nothing at " HEX ", write of " HEX, space->name,
                   at + done, low_bytes(part, n));
        } else {
            u64 offset = at + done - range->base + range->offset;

            if (range->region->host && !range->region->ops) {
                host_write(range->region, offset, part, n);
            } else {
                n = region_write(range->region, offset, low_bytes(part, n), n,
                                 n == size ? hint : NULL);
            }
        }
    }
}

void space_write(Space *space, u64 at, u64 value, unsigned size)
{
    write_all(space, at, value, size, NULL);
}

void space_write_noted(Space *space, u64 at, u64 value, unsigned size, BellHint *hint)
{
    BellHint rung = { .at = at, .size = size };

    write_all(space, at, value, size, &rung);
    if (rung.changes) {
        *hint = rung;
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces: from regions with priorities to a sorted array of ranges.
 *
 * The highest priority is seen; among equals, what was added last.  What reaches beyond
 * the space's end is cut off there, and a region never wraps around to address 0.
 *
 * A CPU maps whole pages.  Where something else covers a part of a RAM or ROM page (a
 * guest can place a 16-byte BAR there), the rest of that page becomes ranges of the
 * same region without a host address: accelerators treat them as MMIO and the
 * dispatcher reads the region's bytes, so every byte is right, only slow.
 *
 * Under the machine lock, or before the machine starts; space_view and space_find also
 * in a listener.
 */

#include "hw/core/memory.h"

#include "hw/core/space_private.h"

Space *space_new(const char *name, u64 size)
{
    Space *space = g_new0(Space, 1);

    space->name = g_strdup(name);
    space->last = size - 1;
    space->regions = g_ptr_array_new();
    space->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    space->view = g_new0(FlatView, 1);
    return space;
}

static void view_free(FlatView *view)
{
    g_free(view->range);
    g_free(view);
}

void space_free(Space *space)
{
    if (!space) {
        return;
    }
    for (unsigned i = 0; i < space->regions->len; i++) {
        ((Region *)g_ptr_array_index(space->regions, i))->space = NULL;
    }
    g_ptr_array_free(space->regions, TRUE);
    g_array_free(space->listeners, TRUE);
    view_free(space->view);
    g_free(space->name);
    g_free(space);
}

/* ---- flattening ---- */

static u64 range_last(const FlatRange *range)
{
    return range->base + (range->size - 1);
}

static FlatRange range_make(Region *region, u64 first, u64 last)
{
    return (FlatRange){ .base = first, .size = last - first + 1,
                        .offset = first - region->base, .region = region,
                        .ram_page = UINT64_MAX, .readonly = region->readonly };
}

/* Adds what is still free of [first, last]; `ranges` stays sorted. */
static void ranges_fill(GArray *ranges, Region *region, u64 first, u64 last)
{
    for (unsigned i = 0; i < ranges->len; i++) {
        FlatRange over = g_array_index(ranges, FlatRange, i);

        if (range_last(&over) < first) {
            continue;
        }
        if (over.base > last) {
            FlatRange rest = range_make(region, first, last);

            g_array_insert_val(ranges, i, rest);
            return;
        }
        if (over.base > first) {
            FlatRange gap = range_make(region, first, over.base - 1);

            g_array_insert_val(ranges, i, gap);
            i++;
        }
        if (range_last(&over) >= last) {
            return;
        }
        first = range_last(&over) + 1;
    }
    FlatRange rest = range_make(region, first, last);

    g_array_append_val(ranges, rest);
}

/* Cuts ranges of host memory at page borders and gives whole pages their addresses. */
static void ranges_to_pages(GArray *ranges)
{
    for (unsigned i = 0; i < ranges->len; i++) {
        FlatRange r = g_array_index(ranges, FlatRange, i);
        u64 head = -r.base & ~PAGE_MASK, whole;

        if (!r.region->host) {
            continue;
        }
        if (head && head < r.size) {        /* the part before the first whole page */
            FlatRange tail = range_make(r.region, r.base + head, range_last(&r));

            g_array_index(ranges, FlatRange, i).size = head;
            g_array_insert_val(ranges, i + 1, tail);
            continue;
        }
        whole = head ? 0 : r.size & PAGE_MASK;
        if (whole && whole < r.size) {
            FlatRange tail = range_make(r.region, r.base + whole, range_last(&r));

            g_array_insert_val(ranges, i + 1, tail);
        }
        if (whole) {
            FlatRange *page = &g_array_index(ranges, FlatRange, i);

            page->size = whole;
            page->host = r.region->host + r.offset;
            if (r.region->ram_page != UINT64_MAX) {
                page->ram_page = r.region->ram_page + r.offset / PAGE_BYTES;
            }
        }
    }
}

static int by_priority(const void *a, const void *b)
{
    const Region *x = *(Region *const *)a, *y = *(Region *const *)b;

    return x->priority < y->priority ? 1 : x->priority > y->priority ? -1 : 0;
}

static FlatView *flatten(const Space *space)
{
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(FlatRange));
    FlatView *view = g_new0(FlatView, 1);

    for (unsigned i = space->regions->len; i-- > 0;) {
        g_ptr_array_add(order, g_ptr_array_index(space->regions, i));
    }
    /* stable: the newest of equals is first */
    g_ptr_array_sort(order, by_priority);
    for (unsigned i = 0; i < order->len; i++) {
        Region *r = g_ptr_array_index(order, i);
        u64 last = r->base + (r->size - 1);

        if (r->enabled && r->size && r->base <= space->last) {
            last = last < r->base ? space->last : MIN(last, space->last);
            ranges_fill(ranges, r, r->base, last);
        }
    }
    ranges_to_pages(ranges);
    view->n = ranges->len;
    view->range = (FlatRange *)(void *)g_array_free(ranges, FALSE);
    return view;
}

/* ---- publishing ---- */

static bool range_equal(const FlatRange *a, const FlatRange *b)
{
    return a->base == b->base && a->size == b->size && a->offset == b->offset &&
           a->region == b->region && a->host == b->host && a->readonly == b->readonly;
}

static bool view_equal(const FlatView *a, const FlatView *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (!range_equal(&a->range[i], &b->range[i])) {
            return false;
        }
    }
    return true;
}

static void publish(Space *space)
{
    FlatView *old = space->view, *now = flatten(space);
    bool same = view_equal(old, now) && !space->bells_changed;

    space->changed = space->bells_changed = false;
    if (same) {
        view_free(now);
        return;
    }
    __atomic_store_n(&space->view, now, __ATOMIC_RELEASE);
    space->publishing = true;
    for (unsigned i = 0; i < space->listeners->len; i++) {
        Listener *l = &g_array_index(space->listeners, Listener, i);

        l->changed(l->opaque, old, now);
    }
    space->publishing = false;
    view_free(old);
}

void space_update(Space *space, bool bells)
{
    g_assert(!space->publishing);           /* a listener must not change the map */
    bells_forget();
    space->changed = true;
    space->bells_changed |= bells;
    if (space->depth == 0) {
        publish(space);
    }
}

void space_begin(Space *space)
{
    space->depth++;
}

void space_commit(Space *space)
{
    g_assert(space->depth > 0);
    if (--space->depth == 0 && space->changed) {
        publish(space);
    }
}

void space_listen(Space *space, SpaceFn *changed, void *opaque)
{
    static const FlatView nothing;
    Listener listener = { changed, opaque };

    g_array_append_val(space->listeners, listener);
    changed(opaque, &nothing, space->view);
}

void space_unlisten(Space *space, SpaceFn *changed, void *opaque)
{
    for (unsigned i = 0; i < space->listeners->len; i++) {
        Listener *l = &g_array_index(space->listeners, Listener, i);

        if (l->changed == changed && l->opaque == opaque) {
            g_array_remove_index(space->listeners, i);
            return;
        }
    }
}

/* ---- looking ---- */

const FlatView *space_view(const Space *space)
{
    return __atomic_load_n(&space->view, __ATOMIC_ACQUIRE);
}

unsigned view_index(const FlatView *view, u64 at)
{
    unsigned low = 0, high = view->n;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (range_last(&view->range[middle]) < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const FlatRange *space_find(const Space *space, u64 at)
{
    const FlatView *view = space_view(space);
    unsigned *hint = (unsigned *)&space->hint;
    unsigned i = __atomic_load_n(hint, __ATOMIC_RELAXED);

    if (i < view->n && at - view->range[i].base < view->range[i].size) {
        return &view->range[i];
    }
    i = view_index(view, at);
    if (i == view->n || at < view->range[i].base) {
        return NULL;
    }
    __atomic_store_n(hint, i, __ATOMIC_RELAXED);
    return &view->range[i];
}

/* ---- info mtree ---- */

#define HEX "%016" G_GINT64_MODIFIER "x"

static int by_place(const void *a, const void *b)
{
    const Region *x = *(Region *const *)a, *y = *(Region *const *)b;

    return x->base != y->base ? (x->base < y->base ? -1 : 1) : by_priority(a, b);
}

void space_print(const Space *space, GString *out)
{
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (unsigned i = 0; i < space->regions->len; i++) {
        g_ptr_array_add(order, g_ptr_array_index(space->regions, i));
    }
    g_ptr_array_sort(order, by_place);
    g_string_append_printf(out, "address-space: %s\n", space->name);
    for (unsigned i = 0; i < order->len; i++) {
        const Region *r = g_ptr_array_index(order, i);
        const char *kind = !r->host ? "i/o" : region_is_foreign(r) ? "foreign"
                           : r->ram_page == UINT64_MAX ? "rom"
                           : r->readonly ? "ram, read only" : "ram";

        g_string_append_printf(out, "  " HEX "-" HEX " (prio %d, %s): %s%s\n", r->base,
                               r->base + (r->size - 1), r->priority, kind, r->name,
                               r->enabled ? "" : " [disabled]");
    }
}

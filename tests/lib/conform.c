/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules.  Each builds its own rigs and says the first thing that is wrong.  Rules
 * for what only virtio devices have (rings, transports) stand in a file of their own
 * and are rows of the same table.
 */

#include "tests/lib/conform.h"

#include "base/field_value.h"

#include <string.h>

enum { SEEDS = 12, STEPS = 1500, WATCHES = 60, FLIPS = 6000 };

#define NOW (3 * NS_PER_SEC)

/* ---- comparing ---- */

static u8 *part_state(const Device *dev, unsigned i)
{
    return (u8 *)dev->parts[i].base + dev->parts[i].part->state_at;
}

static GByteArray *rig_save(Rig *rig)
{
    GByteArray *bytes = g_byte_array_new();

    device_save(rig->dev, bytes);
    return bytes;
}

/* Every value in its row's range: otherwise its own snapshot is refused. */
static char *out_of_range(Rig *rig)
{
    for (unsigned i = 0; i < rig->dev->n_parts; i++) {
        const Part *part = rig->dev->parts[i].part;
        g_autoptr(GError) err = NULL;

        if (part->state && !fields_check(part->state, part_state(rig->dev, i), &err)) {
            return complaint("%s: %s", part->name, err->message);
        }
    }
    return NULL;
}

/* The first row in which two devices of a type differ. */
static char *states_differ(Rig *a, Rig *b, bool batteries)
{
    for (unsigned i = 0; i < a->dev->n_parts; i++) {
        const Part *part = a->dev->parts[i].part;
        const u8 *x = part_state(a->dev, i), *y = part_state(b->dev, i);

        for (const Field *f = part->state; f && f->name; f++) {
            if ((batteries || !part->keeps) &&
                memcmp(x + f->offset, y + f->offset, (size_t)f->size * f->count)) {
                return complaint("%s: row '%s' differs", part->name, f->name);
            }
        }
    }
    return NULL;
}

/* RAM, and the video memory of a display, which lies where no CPU can reach. */
static void copy_ram(Rig *to, Rig *from)
{
    static const gpa parts[] = { 0, 1ull << 56 };

    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        struct iovec source, target;

        if (mem_iov(from->machine->mem, parts[i], MiB, &source) &&
            mem_iov(to->machine->mem, parts[i], MiB, &target)) {
            memcpy(target.iov_base, source.iov_base, MiB);
        }
    }
}

/* From here on both must look the same to a driver, whatever it does. */
static char *lives_differ(Rig *a, Rig *b, u64 seed)
{
    copy_ram(b, a);
    a->trace = b->trace = 0;
    rig_watch(a, seed, WATCHES);        /* before writes cover what was forgotten */
    rig_watch(b, seed, WATCHES);
    rig_use(a, seed, STEPS);
    rig_use(b, seed, STEPS);
    if (a->trace != b->trace) {
        return complaint("what a driver sees differs");
    }
    return states_differ(a, b, true);
}

/* ---- rules over use ---- */

/* A rule that starts with a device in use; `seed` says in which. */
typedef char *UsedFn(Rig *used, const DeviceType *type, const BusType *bus,
                     const char *options, u64 seed);

static char *with_used(const DeviceType *type, const BusType *bus, const char *options,
                       unsigned seeds, UsedFn *rule)
{
    char *why = NULL;

    for (u64 seed = 1; !why && seed <= seeds; seed++) {
        Rig *rig = rig_new(type, bus, options, NOW, NULL);

        if (!rig) {
            return complaint("cannot be made");
        }
        rig_use(rig, seed, STEPS);
        why = rule(rig, type, bus, options, seed);
        rig_free(rig);
    }
    return why;
}

static char *range_rule(Rig *used, const DeviceType *type, const BusType *bus,
                        const char *options, u64 seed)
{
    char *why = out_of_range(used);

    (void)type;
    (void)bus;
    (void)options;
    for (unsigned i = 0; !why && i < 100; i++) {
        rig_use(used, seed + i, 20);
        why = out_of_range(used);
    }
    return why;
}

static char *use_stays_in_range(const DeviceType *type, const BusType *bus,
                                const char *options)
{
    return with_used(type, bus, options, SEEDS, range_rule);
}

static char *reset_rule(Rig *used, const DeviceType *type, const BusType *bus,
                        const char *options, u64 seed)
{
    Rig *new = rig_new(type, bus, options, clock_now(used->machine->clock), NULL);
    g_autoptr(GByteArray) saved = NULL;
    char *why;

    device_reset(used->dev);
    why = states_differ(used, new, false);
    if (!why && memcmp(used->level, new->level, sizeof new->level) != 0) {
        why = complaint("an interrupt line is still up");
    }
    if (!why) {
        saved = rig_save(used);             /* for the batteries */
        why = device_load(new->dev, saved->data, saved->len, NULL)
              ? lives_differ(used, new, seed) : complaint("its own state is refused");
    }
    rig_free(new);
    return why;
}

static char *reset_is_total(const DeviceType *type, const BusType *bus,
                            const char *options)
{
    return with_used(type, bus, options, SEEDS, reset_rule);
}

static char *restore_rule(Rig *used, const DeviceType *type, const BusType *bus,
                          const char *options, u64 seed)
{
    Rig *new = rig_new(type, bus, options, clock_now(used->machine->clock), NULL);
    g_autoptr(GByteArray) saved = rig_save(used);
    g_autoptr(GError) err = NULL;
    char *why;

    /* Who is at the other end of the lines has its own state, and is restored too. */
    memcpy(new->level, used->level, sizeof used->level);
    copy_ram(new, used);
    if (!device_load(new->dev, saved->data, saved->len, &err)) {
        why = complaint("its own state is refused: %s", err->message);
    } else if (memcmp(new->level, used->level, sizeof used->level) != 0) {
        why = complaint("an interrupt line changes");
    } else {
        why = states_differ(used, new, true);
        why = why ? why : lives_differ(used, new, seed);
    }
    rig_free(new);
    return why;
}

static char *save_then_restore(const DeviceType *type, const BusType *bus,
                               const char *options)
{
    return with_used(type, bus, options, SEEDS, restore_rule);
}

/* ---- hostile states ---- */

/*
 * Loads `saved` into `target`, which must refuse it and be as after a reset, or live
 * on.
 */
static char *load_is_unsafe(Rig *target, const u8 *saved, size_t n, bool must_refuse,
                            u64 seed)
{
    g_autoptr(GError) err = NULL;
    bool loaded = device_load(target->dev, saved, n, &err);
    char *why = out_of_range(target);

    if (why || (loaded && must_refuse)) {
        return why ? why : complaint("is accepted");
    }
    if (loaded) {
        rig_use(target, seed, 12);
        return out_of_range(target);
    }
    return err && *err->message ? NULL : complaint("is refused without a word");
}

/* Sets element `i` of a row of the used device to `value`, as if a file had said so. */
static char *row_is_trusted(Rig *used, Rig *target, unsigned part, const Field *f,
                            unsigned i, u64 value)
{
    u8 *state = part_state(used->dev, part);
    u64 good = field_get(f, state, i);
    g_autoptr(GByteArray) saved = NULL;
    g_autofree char *why = NULL;

    field_put(f, state, i, value);
    saved = rig_save(used);
    field_put(f, state, i, good);
    why = load_is_unsafe(target, saved->data, saved->len, true, value);
    return !why ? NULL : complaint("row '%s' = 0x%" G_GINT64_MODIFIER "x: %s", f->name,
                                   value, why);
}

static char *row_ends_are_trusted(Rig *used, Rig *target, unsigned part, const Field *f)
{
    u64 most = UINT64_MAX >> (64 - 8 * f->size);
    char *why = NULL;

    for (unsigned i = 0; !why && i < f->count; i += MAX(f->count - 1, 1)) {
        if (field_max(f) < most) {
            why = row_is_trusted(used, target, part, f, i, field_max(f) + 1);
            why = why ? why : row_is_trusted(used, target, part, f, i, most);
        }
        if (!why && f->min > 0) {
            why = row_is_trusted(used, target, part, f, i, f->min - 1);
        }
    }
    return why;
}

static char *flips_are_trusted(Rig *used, Rig *target, u64 seed)
{
    g_autoptr(GByteArray) saved = rig_save(used);
    unsigned step = saved->len / FLIPS + 1;

    for (unsigned i = seed % step; i < saved->len; i += step) {
        static const u8 masks[] = { 0x01, 0x80, 0xff, 0x10 };
        g_autofree u8 *copy = g_memdup2(saved->data, saved->len);
        g_autofree char *why = NULL;

        copy[i] ^= masks[(i + seed) % sizeof masks];
        why = load_is_unsafe(target, copy, saved->len, false, i);
        if (why) {
            return complaint("byte %u flipped: %s", i, why);
        }
    }
    return NULL;
}

static char *hostile_rule(Rig *used, const DeviceType *type, const BusType *bus,
                          const char *options, u64 seed)
{
    Rig *target = rig_new(type, bus, options, clock_now(used->machine->clock), NULL);
    char *why = NULL;

    copy_ram(target, used);
    for (unsigned i = 0; !why && i < used->dev->n_parts; i++) {
        const Field *f = used->dev->parts[i].part->state;

        for (; !why && f && f->name; f++) {
            why = row_ends_are_trusted(used, target, i, f);
        }
    }
    why = why ? why : flips_are_trusted(used, target, seed);
    rig_free(target);
    return why;
}

static char *restore_is_suspicious(const DeviceType *type, const BusType *bus,
                                   const char *options)
{
    return with_used(type, bus, options, 2, hostile_rule);
}

/* ---- the end ---- */

static bool view_has_device(const Space *space)
{
    const FlatView *view = space_view(space);

    for (unsigned i = 0; i < view->n; i++) {
        if (view->range[i].ram_page == UINT64_MAX) {
            return true;
        }
    }
    return false;
}

static char *close_rule(Rig *used, const DeviceType *type, const BusType *bus,
                        const char *options, u64 seed)
{
    g_autoptr(KeyVals) kv = keyvals_parse(options ? options : "", NULL, NULL);
    Device *twin = NULL;

    /* The first goes, a second one (if two are possible) stays and works. */
    if (!type->board_only) {
        twin = device_new(used->machine, type, bus, NULL, kv, NULL);
    }
    device_free(used->dev);
    used->dev = twin;
    rig_use(used, seed, STEPS);
    device_free(twin);
    used->dev = NULL;
    return view_has_device(used->machine->mmio) || view_has_device(used->machine->io)
           ? complaint("leaves a region behind") : NULL;
}

static char *close_is_complete(const DeviceType *type, const BusType *bus,
                               const char *options)
{
    return with_used(type, bus, options, SEEDS, close_rule);
}

const Rule conform_rules[] = {
    { "rows_are_complete",     rows_are_complete },
    { "use_stays_in_range",    use_stays_in_range },
    { "reset_is_total",        reset_is_total },
    { "save_then_restore",     save_then_restore },
    { "restore_is_suspicious", restore_is_suspicious },
    { "close_is_complete",     close_is_complete },
    { "rings_are_hostile",     rings_are_hostile },
    { "timing_is_odd",         timing_is_odd },
    { NULL, NULL }
};

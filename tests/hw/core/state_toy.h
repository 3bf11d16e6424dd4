/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices with states of several layouts, for the tests of saving and loading.
 */

#ifndef TESTS_HW_CORE_STATE_TOY_H
#define TESTS_HW_CORE_STATE_TOY_H

#include "hw/core/device.h"
#include "hw/core/machine.h"

#include <string.h>

STATE(NowState,
    (u32,    base, "a base", .min = 1, .max = 0x1000),
    (u16[3], list, "three words"),
    (u8,     mode, "a mode", .max = 2),
    (bool,   flag, "a flag"));

/* The same device in another version: other order, one row gone, one new, one wider. */
STATE(OtherState,
    (u8,     mode,  "a mode", .max = 2),
    (u8,     extra, "a new row", .max = 9),
    (u16[3], list,  "three words"),
    (u64,    base,  "a base", .min = 1));

STATE(CountState, (u16[4], list, "four words"));
STATE(EmptyState, (u8, other, "another register"));

static const NowState sample = { 0x123, { 1, 0xffff, 3 }, 2, false };
static const NowState now_reset = { .base = 1, .list = { 7, 8, 9 }, .flag = true };
static const OtherState other_reset = { .base = 1, .extra = 5 };

typedef struct {
    Device dev;
    NowState state;
    bool refuses, was_loaded;
} Now;

static bool now_loaded(Device *dev, GError **err)
{
    Now *now = container_of(dev, Now, dev);

    now->was_loaded = true;
    if (now->refuses) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "mode and base disagree");
    }
    return !now->refuses;
}

static const DeviceType now_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Now),
    .part = { .name = "toy", DEVICE_STATE(Now, NowState), .reset_state = &now_reset,
              .loaded = now_loaded },
};

typedef struct {
    Device dev;
    OtherState state;
} Other;

static const DeviceType other_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Other),
    .part = { .name = "toy", DEVICE_STATE(Other, OtherState),
              .reset_state = &other_reset },
};

typedef struct {
    Device dev;
    CountState state;
} Count;

static const DeviceType count_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Count),
    .part = { .name = "toy", DEVICE_STATE(Count, CountState) },
};

typedef struct {
    Device dev;
    EmptyState state;
} Alien;

static const DeviceType alien_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Alien),
    .part = { .name = "alien", DEVICE_STATE(Alien, EmptyState) },
};

/* Battery-backed: `open` sets its state. */
static bool battery_open(Device *dev, GError **err)
{
    (void)err;
    container_of(dev, Now, dev)->state = sample;
    return true;
}

static const DeviceType battery_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Now), .open = battery_open,
    .part = { .name = "toy", DEVICE_STATE(Now, NowState), .keeps = true,
              .loaded = now_loaded },
};

static const DeviceType stateless_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Device), .part = { .name = "none" },
};

typedef struct {
    Machine *machine;
    Now *now;
} Fixture;

static inline void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->machine = machine_new();
    f->now = container_of(device_add(f->machine, &now_type, NULL, NULL), Now, dev);
    f->now->state = sample;
}

static inline void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    machine_free(f->machine);
}

static inline GByteArray *save(Device *dev)
{
    GByteArray *bytes = g_byte_array_new();

    device_save(dev, bytes);
    return bytes;
}

/* Loads and gives the error, or NULL. */
static inline char *load(Device *dev, const u8 *data, size_t n)
{
    g_autoptr(GError) err = NULL;
    bool loaded = device_load(dev, data, n, &err);

    g_assert_true(loaded == (err == NULL));
    return err ? g_strdup(err->message) : NULL;
}

static inline Device *add(Fixture *f, const DeviceType *type)
{
    return device_add(f->machine, type, NULL, NULL);
}

#define ADD(name, fn) \
    g_test_add("/hw/" name, Fixture, NULL, set_up, fn, tear_down)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device is.
 *
 * A device is one object made of parts.  A part is one layer of it (the PCI function,
 * the virtio transport, the device proper) with its own option rows and its own state
 * record; a layer never mentions another's.  From the rows the core derives: parsing
 * and help of -device, defaults, reset, save, restore, inspection.  So a device's code
 * is what the guest sees of it, and nothing else.
 *
 *     new -> options parsed over all parts -> open -> attach to its bus -> reset
 *         -> ... -> detach -> close -> freed
 *
 * `open` gets a zeroed object with a valid config and may fail half way: `close` takes
 * a half-open one.  The types are listed in hw/devices.c.  Everything here runs under
 * the machine lock or before the machine starts.
 */

#ifndef HW_CORE_DEVICE_H
#define HW_CORE_DEVICE_H

#include "base/field.h"
#include "base/keyval.h"

typedef struct Device Device;
typedef struct Machine Machine;

/*
 * One layer of a device.  A part without options or without state leaves those rows
 * NULL.
 */
typedef struct {
    /* record name in a snapshot: "uart", "pci", "virtio-pci" */
    const char *name;
    const Field *config;            /* rows of its options; at base + config_at */
    u32 config_at;
    const Field *state;             /* rows of its state; at base + state_at */
    u32 state_at, state_size;
    /* a state record: the value after reset; NULL: all zero */
    const void *reset_state;
    /* battery-backed: open sets the state, and a reset changes only what .reset does */
    bool keeps;
    /* after the state was set: lower lines, cancel timers */
    void (*reset)(Device *dev);
    /*
     * After a restore filled the state and every row is in range: judge the rest,
     * recompute what is derived.
     */
    bool (*loaded)(Device *dev, GError **err);
    /*
     * What has no fixed size (a display's pictures): appended after the records, and
     * given back when all parts are loaded; n is 0 where nothing was saved.  Judge it
     * as anything from outside.
     */
    void (*save_more)(Device *dev, GByteArray *out);
    /* False and why: what it holds now can't be saved.  NULL: it always can. */
    bool (*savable)(Device *dev, GError **err);
    bool (*load_more)(Device *dev, const u8 *data, size_t n, GError **err);
} Part;

/*
 * How devices of a kind are reached: "isa", "pci", "virtio-pci".  Rows of the table in
 * a type.
 */
typedef struct {
    const char *name;               /* as in QEMU's "bus PCI" */
    const char *suffix;             /* appended to the type's name: "-pci", or "" */
    /*
     * Adds the bus's parts, before options are parsed.  For help it is called with no
     * machine, and no open follows.
     */
    bool (*prepare)(Device *dev, GError **err);
    /* after open: gives it an address, maps it */
    bool (*attach)(Device *dev, GError **err);
    /*
     * Before close; undoes prepare and attach, whichever of them was reached.  The
     * strings of its options are freed already.
     */
    void (*detach)(Device *dev);
    /*
     * The machine stands (no new work is begun, also on I/O threads) or goes on.  NULL:
     * nothing works by itself.
     */
    void (*pause)(Device *dev, bool on);
} BusType;

typedef struct {
    const char *name, *help;
    const char *aliases[3];
    const BusType *bus[3];          /* where it can be plugged; none: the board's own */
    bool board_only;                /* not for -device */
    /* of the object, which begins with a Device (or a struct that does) */
    size_t size;
    const Part part;                /* the device proper */
    bool (*check)(const void *config, GError **err);        /* rules across options */
    bool (*open)(Device *dev, GError **err);
    void (*close)(Device *dev);
    /*
     * Firmware can boot from it: its place among others (NO_BOOTINDEX: none was given)
     * and its name in OpenFirmware's words, which the caller frees.
     */
    char *(*boot_path)(Device *dev, u32 *bootindex);
} DeviceType;

enum { NO_BOOTINDEX = UINT32_MAX };

/*
 * The .size and .part rows of a type whose object T has members `config` and `state`.
 */
#define DEVICE_CONFIG(T, C) .config = C##_fields, .config_at = offsetof(T, config)
#define DEVICE_STATE(T, S) \
    .state = S##_fields, .state_at = offsetof(T, state), .state_size = sizeof(S)

struct Device {
    const DeviceType *type;
    const BusType *bus;
    Machine *machine;
    char *id;                       /* the user's, or NULL */
    /* unique in the machine: "uart0"; the snapshot's key */
    char *path;
    bool opened;                    /* open was called, so close will be */
    bool faulted;                   /* a guest's mistake was logged already */
    u64 faults;                     /* guest mistakes counted */
    struct { const Part *part; void *base; } parts[8];
    unsigned n_parts;
    /* what the bus keeps per device; freed in its detach */
    void *bus_data;
};

/* hw/devices.c: every type, NULL-terminated, sorted by name. */
extern const DeviceType *const device_types[];

/*
 * Finds a type that can be added, by the name a user writes (with the bus's suffix, or
 * an alias), and the bus meant by it.  NULL and an error if there is none (it has the
 * nearest name), or if it is the board's own.
 */
const DeviceType *device_type_find(const char *name, const BusType **bus, GError **err);
void device_types_help(GString *out);                           /* -device help */
bool device_type_help(const char *name, GString *out, GError **err) must_check;

/*
 * Makes, opens, attaches and resets a device; `options` may be NULL.  Unknown options
 * are errors.  The machine owns the result.  -global defaults are applied first.
 */
Device *device_new(Machine *machine, const DeviceType *type, const BusType *bus,
                   const char *id, const KeyVals *options,
                   GError **err) must_check;
/* The same for the board's own devices, "a=b,c=d" or NULL. */
Device *device_add(Machine *machine, const DeviceType *type, const char *options,
                   GError **err) must_check;
void device_free(Device *dev);                          /* detach, close, free */
Device *device_find(Machine *machine, const char *id_or_path);

/* For a bus's prepare: adds a layer whose rows lie at `base`. */
void device_add_part(Device *dev, const Part *part, void *base);

void device_reset(Device *dev);
/* One part alone: for a bus whose driver can reset the device proper (part 0). */
void device_reset_part(Device *dev, unsigned part);
void device_print(Device *dev, GString *out);   /* info qtree: options and state */

/*
 * The state of all parts as bytes, and back.  device_load refuses, by name, what does
 * not fit; a refused device is reset.  Format: hw/core/state.c.
 */
void device_save(Device *dev, GByteArray *out);
bool device_savable(Device *dev, GError **err) must_check;     /* ask first */
bool device_load(Device *dev, const u8 *data, size_t n, GError **err) must_check;

/*
 * A guest's mistake: counted, and logged once with -d guest_errors.  Says the section
 * it breaks.
 */
void device_fault(Device *dev, const char *fmt, ...) printf_like(2, 3);

/* -global driver.property=value, before devices are made. */
bool device_global(const char *text, GError **err) must_check;

#endif

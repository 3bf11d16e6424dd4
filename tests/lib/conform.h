/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every device obeys, as rules that can be asked of any type: tests/conformance.c
 * asks them of all listed devices, and of broken ones that they must reject.
 *
 * A Rig is a machine with one device in it: RAM, a PCI bus, recording interrupt lines,
 * and a clock that moves only when the rig says so, so that two rigs with the same
 * history are in the same state.
 */

#ifndef TESTS_LIB_CONFORM_H
#define TESTS_LIB_CONFORM_H

#include "hw/core/machine.h"

typedef struct {
    Machine *machine;
    Device *dev;
    u64 random;                     /* the generator's state */
    u64 trace;                      /* hash of all that could be seen of the device */
    bool level[GSI_COUNT];
    bool watching;                  /* the driver only reads */
} Rig;

/* Makes the device with `options` on a machine whose clock stands at `now`. */
Rig *rig_new(const DeviceType *type, const BusType *bus, const char *options, u64 now,
             GError **err) must_check;
void rig_free(Rig *rig);

/*
 * Uses the device as a mad driver would: `steps` accesses to its ports, memory and
 * configuration space, time passing in between.  The same `seed` makes the same
 * accesses.
 */
void rig_use(Rig *rig, u64 seed, unsigned steps);
/* The same, but it writes nothing. */
void rig_watch(Rig *rig, u64 seed, unsigned steps);

/* A rule: what is wrong with the type, or NULL.  Caller frees. */
typedef struct {
    const char *name;
    char *(*broken)(const DeviceType *type, const BusType *bus, const char *options);
} Rule;

extern const Rule conform_rules[];  /* ends with a name of NULL */

/* The rules that stand in files of their own. */
char *rows_are_complete(const DeviceType *type, const BusType *bus,
                        const char *options);
char *rings_are_hostile(const DeviceType *type, const BusType *bus,
                        const char *options);
char *timing_is_odd(const DeviceType *type, const BusType *bus, const char *options);

/* What a rule returns. */
#define complaint g_strdup_printf

#endif

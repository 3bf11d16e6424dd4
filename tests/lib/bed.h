/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for one device: a machine without board, whose interrupt lines, messages
 * and requests are recorded, and whose clock stands except while a test lets it go on.
 *
 * One bed at a time.
 */

#ifndef TESTS_LIB_BED_H
#define TESTS_LIB_BED_H

#include "hw/core/machine.h"

typedef struct {
    Machine *machine;
    u32 lines;                      /* levels of the GSIs */
    unsigned rises[GSI_COUNT];      /* how often each went up */
    u64 rose_at[GSI_COUNT];         /* virtual time of the last rise */
    struct { gpa address; u32 data; } msi[64];
    unsigned messages;              /* how many came; the last 64 are in msi[n % 64] */
    RequestKind request;            /* the last one */
    int request_value;
    unsigned requests;
} Bed;

Bed *bed_new(void);
void bed_free(Bed *bed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bed, bed_free)

/* Adds a device whose options must be right. */
Device *bed_add(Bed *bed, const DeviceType *type, const char *options);
/* The options must be refused with this message. */
void bed_refuses(Bed *bed, const DeviceType *type, const char *options,
                 const char *message);

u8 in8(Bed *bed, u16 port);
void out8(Bed *bed, u16 port, u8 value);
u64 mmio_read(Bed *bed, gpa at, unsigned size);
void mmio_write(Bed *bed, gpa at, u64 value, unsigned size);

/* Virtual time becomes `ns`; timers due at that moment or before fire, once each. */
void bed_time(Bed *bed, u64 ns);
/* The same in steps: no timer fires more than `step` too late. */
void bed_run(Bed *bed, u64 until, u64 step);

/*
 * Saves the device and restores it into itself after a reset; the second save must be
 * the same bytes.
 */
void bed_round_trip(Device *dev);

/*
 * Random accesses, 8 to 64 bits wide, over the ports or MMIO that the device has, with
 * time going on, resets and round trips. MAYFLY_FUZZ=N in the environment: N times as
 * many.
 */
typedef struct { gpa base; u32 size; bool mmio; } BedRange;
void bed_fuzz(Bed *bed, Device *dev, const BedRange *range, unsigned n_ranges,
              void (*nudge)(Bed *bed, Device *dev, u32 random));

#endif

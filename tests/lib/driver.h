/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fake guest driver for virtio devices on PCI.  It is written from the specification
 * (virtio 1.2) and shares no code with hw/virtio: what both get wrong in the same way
 * would otherwise never show.  It talks to the device as a guest does, through
 * configuration space, BARs and RAM, and expects nothing: tests do.
 *
 *     Driver d;
 *     DriverRing ring;
 *
 *     driver_open(&d, machine, devfn);             finds the device, maps its BARs
 *     driver_negotiate(&d, VERSION_1 | ...);       up to FEATURES_OK
 *     driver_ring(&d, &ring, 0, 16);
 *     driver_ok(&d);
 *     id = ring_add(&ring, buffers, n, false);
 *     ring_publish(&ring);
 *     ring_notify(&ring);
 *     ring_poll(&ring, &used)
 *
 * Everything under the machine lock.
 */

#ifndef TESTS_LIB_DRIVER_H
#define TESTS_LIB_DRIVER_H

#include "hw/pci/pci.h"

enum { DRIVER_RING_MAX = 1024, DRIVER_VECTORS = 8 };

/* Section 4.1.4.3: offset << 8 | bytes of each register. */
enum {
    DEVICE_FEATURE_SELECT = 0x0004, DEVICE_FEATURE = 0x0404,
    DRIVER_FEATURE_SELECT = 0x0804, DRIVER_FEATURE = 0x0c04,
    CONFIG_MSIX_VECTOR = 0x1002, NUM_QUEUES = 0x1202, STATUS = 0x1401,
    CONFIG_GENERATION = 0x1501, QUEUE_SELECT = 0x1602, QUEUE_SIZE = 0x1802,
    QUEUE_MSIX_VECTOR = 0x1a02, QUEUE_ENABLE = 0x1c02, QUEUE_NOTIFY_OFF = 0x1e02,
    QUEUE_DESC = 0x2008, QUEUE_DRIVER = 0x2808, QUEUE_DEVICE = 0x3008,
};

/* Section 2.1. */
enum { S_ACKNOWLEDGE = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8,
       S_NEEDS_RESET = 64, S_FAILED = 128 };

/* Chapter 6. */
#define F_INDIRECT  (1ull << 28)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)
#define F_PACKED    (1ull << 34)

/* Section 4.1.4: cfg_type. */
typedef enum { AREA_COMMON = 1, AREA_NOTIFY, AREA_ISR, AREA_DEVICE, AREA_WINDOW,
               AREAS } Area;

typedef struct {
    Machine *machine;
    u8 devfn;
    struct { bool there; u8 bar, cap; u32 offset, length; } area[AREAS];
    u32 notify_multiplier;
    u8 msix;                        /* capability; 0: none */
    u64 bar[6];                     /* where each was mapped; 0: not there */
    bool by_window;                 /* reach registers through AREA_WINDOW */
    u64 features;                   /* negotiated */
    gpa heap;                       /* the next free byte of RAM */
    unsigned messages[DRIVER_VECTORS];      /* interrupts that came, by vector */
    unsigned strays;                        /* messages that no vector of ours sends */
} Driver;

typedef struct { gpa at; u32 bytes; bool write; } DriverBuf;

typedef struct {
    Driver *driver;
    unsigned n;
    u16 size;
    bool packed, event_idx;
    gpa desc, avail, used;          /* the three areas */
    gpa tables;                     /* an indirect table per descriptor */
    u16 free;                       /* descriptors */
    /* split: indices run freely; packed: position, wrap counter in bit 15 */
    u16 next_avail, next_used;
    u16 published;                  /* what the device has been shown of next_avail */
    u16 head_flags;                 /* packed: of the first entry not yet shown */
    u16 link[DRIVER_RING_MAX];      /* split: descriptors to descriptors; packed: ids */
    u16 first_free;
    u16 slots[DRIVER_RING_MAX];     /* by id: entries it takes; 0: not out */
} DriverRing;

typedef struct { u16 id; u32 bytes; } DriverUsed;

/* ---- the device ---- */

u8 driver_first(Machine *machine);      /* the first function that there is */
/* Finds the capabilities, gives the BARs addresses, enables it.  False: no virtio. */
bool driver_open(Driver *d, Machine *machine, u8 devfn);
u64 driver_get(Driver *d, unsigned reg);            /* of the common structure */
void driver_set(Driver *d, unsigned reg, u64 value);
/* Any bytes of an area: 1, 2, 4 or 8 of them. */
u64 driver_read(Driver *d, Area area, u32 offset, unsigned n);
void driver_write(Driver *d, Area area, u32 offset, u64 value, unsigned n);
u64 driver_offered(Driver *d);
/* Resets the device and takes what it offers of `wanted`.  False: no FEATURES_OK. */
bool driver_negotiate(Driver *d, u64 wanted);
/* Puts queue `n` into RAM and enables it; its vector is n + 1 if MSI-X is on. */
bool driver_ring(Driver *d, DriverRing *ring, unsigned n, u16 size);
void driver_ok(Driver *d);
/* Vector v sends data 0x40 + v; takes machine_msi_hook, for one driver at a time. */
void driver_msix(Driver *d, bool on);
gpa driver_alloc(Driver *d, u32 bytes, u32 align);  /* zeroed RAM */
u32 driver_config(Driver *d, unsigned offset, unsigned n);      /* PCI's */
void driver_config_set(Driver *d, unsigned offset, u32 value, unsigned n);

/* ---- a ring ---- */

/* Puts a chain into the ring; its id, or -1 if there is no room. */
int ring_add(DriverRing *ring, const DriverBuf *buf, unsigned n, bool indirect);
void ring_publish(DriverRing *ring);        /* shows the device what was added */
bool ring_wants_kick(DriverRing *ring, u16 before);     /* since next_avail was that */
void ring_notify(DriverRing *ring);
/* The next used entry, whose descriptors are free again; false: none, or nonsense. */
bool ring_poll(DriverRing *ring, DriverUsed *used);
/* Interrupts: none, all, or (EVENT_IDX) when the entry `ahead` of the next is used. */
void ring_quiet(DriverRing *ring);
void ring_loud(DriverRing *ring);
void ring_event(DriverRing *ring, u16 ahead);

/* RAM, which must be there. */
u64 ram_get(Machine *machine, gpa at, unsigned n);
void ram_put(Machine *machine, gpa at, u64 value, unsigned n);

#endif

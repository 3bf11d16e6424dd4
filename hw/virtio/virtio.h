/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices (virtio 1.2), as a device's code sees them.
 *
 * A device says what it is in a VirtioType and serves requests.  A request comes as a
 * Chain: the buffers of one descriptor chain, first those the device reads, then those
 * it writes, with a cursor in each part:
 *
 *     driver ->  [ header | data ... ]   chain_get reads on from here
 *     device ->  [ data ... | status ]   chain_put writes on from here
 *
 * Rings (split and packed), indirect descriptors, notifications, transports,
 * interrupts, reset and state are the core's.  So is distrust: every descriptor is
 * copied once and judged; whatever a driver gets wrong marks the device
 * DEVICE_NEEDS_RESET, is logged once, and stops its queues.  Every chain that the
 * device was given is completed by chain_done, once, on every path; the core knows how
 * many are out.
 *
 * A device works in an IoContext (base/io.h), and everything here runs under its lock.
 * That is the machine lock unless the device chose an I/O thread in `open`; then its
 * code must take no other lock of the machine, and set no timer.
 */

#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include "base/io.h"
#include "hw/core/device.h"
#include "hw/core/machine.h"
#include <sys/uio.h>

typedef struct VirtioDevice VirtioDevice;
typedef struct Virtqueue Virtqueue;
typedef struct Chain Chain;

enum { VIRTIO_QUEUES_MAX = 64, VIRTQ_SIZE_MAX = 1024, VIRTIO_CONFIG_MAX = 256 };

/* A queue, as a row of a type. */
typedef struct {
    const char *name;
    u16 size;                       /* descriptors offered: a power of two */
    /* NULL: the device takes chains when it needs them (virtqueue_pop) */
    void (*request)(VirtioDevice *virtio, Chain *chain);
} VirtioQueueType;

typedef struct {
    DeviceType device;
    u16 id;                         /* chapter 5 */
    u64 features;                   /* of the type: bits 0-23 and 50-63 (2.2) */
    u32 class;                      /* PCI class code */
    VirtioQueueType queue[4];
    u16 config_size;                /* of the configuration space, bytes */
    /*
     * Copies the configuration space, little endian, into `bytes`; takes what the
     * driver wrote into it.
     */
    void (*config_get)(VirtioDevice *virtio, u8 *bytes);
    void (*config_set)(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                       unsigned n);
    /*
     * Every chain that is out must be completed now; what is in it goes nowhere.
     * Before a reset (by the driver: then the device proper's part is reset too), a
     * restore and the end.  NULL where requests complete at once.
     */
    void (*stop)(VirtioDevice *virtio);
    /* The machine stands from here on: end what is under way.  NULL: nothing is. */
    void (*paused)(VirtioDevice *virtio);
    void (*resumed)(VirtioDevice *virtio);          /* it goes on; may be NULL */
    /* Before and after the requests that were found together. */
    void (*batch)(VirtioDevice *virtio, bool begins);
    /*
     * Queues are served in the context's loop, which the driver's notification wakes
     * (ioeventfd under KVM), and not by the vCPU that notifies.
     */
    bool doorbells;
    /*
     * Requests that are out when it is saved are given to it again once it is restored.
     */
    bool redo;
    /* Where the guest sees the device's shared memory now; UINT64_MAX: nowhere. */
    void (*shared_moved)(VirtioDevice *virtio, u64 address);
    /* The driver is up and its features are final: DRIVER_OK, or a restore. */
    void (*started)(VirtioDevice *virtio);
} VirtioType;

/* For the .bus of a VirtioType's device: where it can be plugged in. */
#define VIRTIO_BUSES { &virtio_pci_bus }
extern const BusType virtio_pci_bus;
/* The same for a type whose name has no "-pci": virtio-vga. */
extern const BusType virtio_pci_plain_bus;

/* Feature bits of chapter 6. */
#define VIRTIO_F_INDIRECT_DESC  (1ull << 28)
#define VIRTIO_F_EVENT_IDX      (1ull << 29)
#define VIRTIO_F_VERSION_1      (1ull << 32)
#define VIRTIO_F_RING_PACKED    (1ull << 34)

/* Device status, section 2.1. */
enum {
    VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8, VIRTIO_NEEDS_RESET = 64, VIRTIO_FAILED = 128,
};

#define VIRTIO_CONFIG_ROWS                                                          \
    (bool, packed,        "offer packed rings", .def = 1),                          \
    (bool, indirect_desc, "offer indirect descriptors", .def = 1),                  \
    (bool, event_idx,     "offer suppression of notifications by index", .def = 1)

#define VIRTIO_STATE_ROWS                                                           \
    (u64, driver_features, "features the driver has accepted"),                     \
    (u8,  status,          "device status (2.1)"),                                  \
    (u8,  generation,      "configuration generation (4.1.4.3.1)"),                 \
    (u8,  changed,         "1 if the configuration changed since it was read",      \
          .max = 1),                                                                \
    (u8[5], reserved,      "unused")

/* One row per register of a queue, indexed by queue.  Packed: bit 15 is the wrap. */
#define VIRTIO_QUEUE_ROWS                                                           \
    (u64[VIRTIO_QUEUES_MAX], desc,    "address of the descriptor area"),            \
    (u64[VIRTIO_QUEUES_MAX], driver,  "address of the driver area, available ring"), \
    (u64[VIRTIO_QUEUES_MAX], device,  "address of the device area, used ring"),     \
    (u16[VIRTIO_QUEUES_MAX], size,    "descriptors in use", .max = VIRTQ_SIZE_MAX), \
    (u16[VIRTIO_QUEUES_MAX], next,    "next available entry"),                      \
    (u16[VIRTIO_QUEUES_MAX], used,    "next used entry"),                           \
    (u8[VIRTIO_QUEUES_MAX],  enabled, "1 once the driver has enabled it", .max = 1), \
    (u8[VIRTIO_QUEUES_MAX],  again,   "1 if there is more to serve soon", .max = 1)

typedef struct { FOR_EACH(MEMBER_, VirtioConfig, VIRTIO_CONFIG_ROWS) } VirtioConfig;
STATE_STRUCT(VirtioState, VIRTIO_STATE_ROWS);
STATE_STRUCT(VirtioQueues, VIRTIO_QUEUE_ROWS);

/* What a transport does for the device. */
typedef struct {
    void (*queue_interrupt)(VirtioDevice *virtio, unsigned queue);
    void (*config_interrupt)(VirtioDevice *virtio);
    bool (*reaches_memory)(const VirtioDevice *virtio);     /* PCI: bus mastering */
    /*
     * The queue's interrupts are also those that somebody else signals with this
     * eventfd, KVM permitting without this process's help; -1: no more.
     */
    void (*queue_call)(VirtioDevice *virtio, unsigned queue, int fd);
} VirtioTransport;

struct VirtioDevice {
    Device device;
    const VirtioType *type;
    const VirtioTransport *transport;
    VirtioConfig config;
    VirtioState state;
    VirtioQueues queues;
    u64 features;                   /* offered; the type's unless `open` changes them */
    Virtqueue *queue;               /* the type's, and what `open` added */
    unsigned n_queues;
    bool stopping;                  /* what is completed goes nowhere */
    IoContext *io;                  /* io_main() unless `open` chose another */
    struct VirtioBell *bell;        /* one per queue, or NULL */
    bool paused;                    /* takes no new requests: the machine stands */
    /*
     * A shared memory region (2.10), a power of two; 0 bytes: none.  Set in `open`.
     * The transport says where it is, the device puts regions there.
     */
    u64 shared_bytes;
    u8 shared_id;
    Timer *again;                   /* serves queues that had too much for one go */
};

/* ---- a device's side ---- */

size_t chain_left(const Chain *chain);          /* bytes still to read */
size_t chain_room(const Chain *chain);          /* bytes still to write */
unsigned chain_ranges(const Chain *chain);      /* spans never give more ranges */
/* False: not that many left, or bad memory (then the chain is faulty). */
bool chain_get(Chain *chain, void *to, size_t n) must_check;
/* Too many or bad memory: the chain is faulty, which leaves nothing and no room. */
void chain_put(Chain *chain, const void *from, size_t n);
/* The last byte of the writable part, where block-like devices put their status. */
void chain_status(Chain *chain, u8 status);
/* The driver broke this rule: section and rule. */
void chain_fault(Chain *chain, const char *why);
void chain_done(Chain *chain);                  /* hands it back; the chain is gone */
Virtqueue *chain_queue(const Chain *chain);

/*
 * The next n bytes as host memory, for preadv or pwritev; the cursor moves on, and what
 * was spanned for writing counts as written.  *count: room in, used out.  False: not
 * that many left, or bad memory or too little room (then the chain is faulty);
 * VIRTQ_SIZE_MAX is always room enough.
 */
bool chain_span_out(Chain *chain, size_t n, struct iovec *iov,
                    unsigned *count) must_check;
bool chain_span_in(Chain *chain, size_t n, struct iovec *iov,
                   unsigned *count) must_check;

/*
 * The next chain of a queue, for devices that wait for something else first (received
 * packets); NULL: none.
 */
Chain *virtqueue_pop(Virtqueue *queue);
/*
 * The chain is as if it had not been taken: only the one taken last, before any
 * chain_put.  The queue then waits for the next virtio_notify, the driver's or the
 * device's own.
 */
void virtqueue_push_back(Chain *chain);
Virtqueue *virtio_queue(VirtioDevice *virtio, unsigned n);
/* Only in `open`, by a type with doorbells. */
void virtio_set_context(VirtioDevice *virtio, IoContext *io);
unsigned virtqueue_number(const Virtqueue *queue);
/* Only in `open`: one more queue, with another size if that is not 0. */
void virtio_add_queue(VirtioDevice *virtio, const VirtioQueueType *type, u16 size);
/*
 * Hands several chains of a queue back; the driver finds all of them or none, and is
 * interrupted at most once.
 */
void chains_done(Chain *const *chains, unsigned n);
/*
 * For devices that pop: the driver shall tell of chains beyond those popped.  Pop once
 * more after this, since some may have come meanwhile.
 */
void virtqueue_ask_for_kick(Virtqueue *queue);

/*
 * The rings in host memory and where they stand, for a kernel that serves the queue in
 * this process's place (vhost): from virtqueue_lend on the doorbell is the borrower's
 * and nothing is popped, until virtqueue_give_back tells how far it came.  False: the
 * queue is not up, has no doorbell, or its rings are not in RAM.
 */
typedef struct {
    void *desc, *driver, *device;
    u16 size, next;
    int kick;
} VirtqueueLoan;
bool virtqueue_lend(Virtqueue *queue, VirtqueueLoan *loan) must_check;
void virtqueue_give_back(Virtqueue *queue, u16 next);
bool virtqueue_is_lent(const Virtqueue *queue);
unsigned chains_out(const VirtioDevice *virtio);    /* given to the device, not done */

bool virtio_has(const VirtioDevice *virtio, u64 feature);       /* negotiated */
void virtio_config_changed(VirtioDevice *virtio);               /* tells the driver */
/* The driver has broken a rule: NEEDS_RESET, logged once. */
void virtio_fault(VirtioDevice *virtio, const char *fmt, ...) printf_like(2, 3);

/* ---- a transport's side ---- */

extern const Part virtio_part, virtio_queues_part;      /* base: the VirtioDevice */
void virtio_prepare(VirtioDevice *virtio, const VirtioTransport *transport);
void virtio_finish(VirtioDevice *virtio);               /* before close */
/* Makes the doorbells; false: no more descriptors.  virtio_finish closes them. */
bool virtio_open_bells(VirtioDevice *virtio, GError **err) must_check;
int virtio_bell_fd(const VirtioDevice *virtio, unsigned queue);
/* The machine stands, or goes on. */
void virtio_pause(VirtioDevice *virtio, bool on);
u64 virtio_offered(const VirtioDevice *virtio);
void virtio_set_status(VirtioDevice *virtio, u8 status);        /* 0 resets */
void virtio_set_features(VirtioDevice *virtio, u64 features);
/* The registers of a queue can't be changed once it is enabled. */
void virtio_set_queue_size(VirtioDevice *virtio, unsigned queue, u16 size);
/* `address` is an element of virtio->queues: the bits in `mask` become `value`'s. */
void virtio_set_queue_address(VirtioDevice *virtio, unsigned queue, u64 *address,
                              u64 mask, u64 value);
void virtio_enable_queue(VirtioDevice *virtio, unsigned queue);
void virtio_notify(VirtioDevice *virtio, unsigned queue);       /* the driver rang */
void virtio_config_read(VirtioDevice *virtio, unsigned offset, u8 *bytes, unsigned n);
void virtio_config_write(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                         unsigned n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the queues: what ring formats and chains share.  A ring format is two functions, pop and push, and says when the
 * driver wants an interrupt.  All addresses in here are the driver's and not to be trusted.
 */

#ifndef HW_VIRTIO_VIRTQ_H
#define HW_VIRTIO_VIRTQ_H

#include "hw/virtio/virtio.h"

/* Descriptor flags (2.7.5, 2.8.1). */
enum {
    DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4,
    DESC_AVAIL = 1 << 7, DESC_USED = 1 << 15,           /* packed only */
};
/* Event suppression (2.7.7, 2.8.10). */
enum { AVAIL_NO_INTERRUPT = 1, EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };
enum { WRAP = 0x8000 };                                 /* the wrap counter's bit in queues.next and .used */

typedef struct {
    gpa at;
    u32 bytes;
} ChainPart;

struct Chain {
    VirtioDevice *virtio;
    Virtqueue *queue;
    bool out;                       /* in the device's hands */
    bool faulty;
    u16 id;                         /* split: head descriptor; packed: buffer id */
    u16 slots;                      /* ring entries it takes */
    u32 written;
    unsigned n_read, n_write;       /* parts of either kind: read ones first */
    unsigned read_at, write_at;     /* cursors: part, and bytes into it */
    u32 read_offset, write_offset;
    u64 left, room;
    ChainPart part[];               /* as many as the queue has descriptors */
};

struct Virtqueue {
    VirtioDevice *virtio;
    unsigned n;
    const VirtioQueueType *type;
    Chain **chain;                  /* pool: one per descriptor, made when first needed */
    unsigned out;                   /* chains in the device's hands */
    bool waiting;                   /* the device gave its last chain back: until the next notification */
    bool busy;                      /* being served: a notification in between changes nothing */
};

/* A descriptor, in the order that both formats can be read into. */
typedef struct {
    u64 at;
    u32 bytes;
    u16 id, flags, next;
} Desc;

/* chain.c */
Chain *chain_take(Virtqueue *queue, unsigned slot);     /* a clean one from the pool */
/* Adds a descriptor to a chain; false: too many, readable after writable (2.7.4.2), or more than 4 GiB in all. */
bool chain_add(Chain *chain, const Desc *desc) must_check;
/* Adds the table of an indirect descriptor (2.7.5.3, 2.8.7). */
bool chain_add_indirect(Chain *chain, const Desc *desc, bool packed) must_check;

/* split.c, packed.c.  pop: NULL if there is none or the ring is broken (virtio_fault was called). */
Chain *split_pop(Virtqueue *queue);
bool split_push(Virtqueue *queue, const Chain *chain);  /* false: the ring's memory is gone */
bool split_wants_interrupt(Virtqueue *queue);
void split_ask_for_kick(Virtqueue *queue);              /* EVENT_IDX: tell when there is more */
Chain *packed_pop(Virtqueue *queue);
bool packed_push(Virtqueue *queue, const Chain *chain);
bool packed_wants_interrupt(Virtqueue *queue);

static inline bool virtq_packed(const Virtqueue *queue)
{
    return virtio_has(queue->virtio, VIRTIO_F_RING_PACKED);
}

#endif

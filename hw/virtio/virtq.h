/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the queues: what ring formats and chains share.  A ring format is two
 * functions, pop and push, and says when the driver wants an interrupt.  All addresses
 * in here are the driver's and not to be trusted.  Under the lock of the device's
 * context.
 */

#ifndef HW_VIRTIO_VIRTQ_H
#define HW_VIRTIO_VIRTQ_H

#include "hw/virtio/virtio.h"

/* Descriptor flags (2.7.5, 2.8.1). */
enum {
    DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4,
    DESC_AVAIL = 1 << 7, DESC_USED = 1 << 15,           /* packed only */
};
/* Event suppression (2.7.7, 2.8.14). */
enum { AVAIL_NO_INTERRUPT = 1, EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };
enum { WRAP = 0x8000 };         /* the wrap counter's bit in queues.next and .used */

typedef struct {
    gpa at;
    u32 bytes;
} ChainPart;

struct Chain {
    VirtioDevice *virtio;
    Virtqueue *queue;
    Chain *next_spare;
    Chain *next_out, **at_out;      /* among those of its queue that are out */
    Chain *next_redo;
    bool out;                       /* in the device's hands */
    bool *given;                    /* split: its head's flag in the queue */
    bool faulty;
    bool spanned;                   /* the host may have written through host memory */
    u16 id;                         /* split: head descriptor; packed: buffer id */
    u16 slots;                      /* ring entries it takes */
    u32 written;
    unsigned n_read, n_write;       /* parts of either kind: read ones first */
    unsigned read_at, write_at;     /* cursors: part, and bytes into it */
    u32 read_offset, write_offset;
    u64 left, room;
    ChainPart part[VIRTQ_SIZE_MAX];     /* last: not cleared */
};

struct Virtqueue {
    VirtioDevice *virtio;
    unsigned n;
    const VirtioQueueType *type;
    u16 limit;                      /* descriptors offered */
    Chain *spare;                   /* chains that are not out, linked */
    unsigned out;                   /* chains in the device's hands */
    Chain *first_out;               /* all of them, linked */
    Chain *redo, *last_redo;        /* of a restored machine: not given yet */
    bool given[VIRTQ_SIZE_MAX];     /* split: out, by head descriptor */
    bool waiting;                   /* the device gave a chain back while served */
    bool lent;                      /* somebody else serves it */
};

/* A descriptor, in the order that both formats can be read into. */
typedef struct {
    u64 at;
    u32 bytes;
    u16 id, flags, next;
} Desc;

/* chain.c */
Chain *chain_take(Virtqueue *queue);    /* a clean one */
void chain_drop(Chain *chain);          /* among the spare ones again */
/*
 * Adds a descriptor to a chain; false: too many, readable after writable (2.7.4.2), or
 * 4 GiB in all.
 */
bool chain_add(Chain *chain, const Desc *desc) must_check;
/* Adds the table of an indirect descriptor (2.7.5.3, 2.8.7). */
bool chain_add_indirect(Chain *chain, const Desc *desc, bool packed) must_check;
/* Tells what the host wrote through spans. */
void chain_mark_written(const Chain *chain);

/*
 * split.c, packed.c.  pop: NULL if there is none or the ring is broken (virtio_fault
 * was called).  push: the driver sees all of the chains or none; false: the ring's
 * memory is gone.  wants_interrupt: now that the used entries from `before` on are
 * written.
 */
Chain *split_pop(Virtqueue *queue);
bool split_push(Virtqueue *queue, Chain *const *chains, unsigned n) must_check;
bool split_wants_interrupt(Virtqueue *queue, u16 before);
void split_ask_for_kick(Virtqueue *queue);      /* EVENT_IDX: tell when there is more */
Chain *packed_pop(Virtqueue *queue);
bool packed_push(Virtqueue *queue, Chain *const *chains, unsigned n) must_check;
bool packed_wants_interrupt(Virtqueue *queue, u16 before);
void packed_ask_for_kick(Virtqueue *queue);
void packed_ask_no_kick(Virtqueue *queue);      /* until it is asked for one */
/* `position` moved on by n (or, negative, back). */
u16 packed_advance(const Virtqueue *queue, u16 position, int n);

/* virtqueue.c */
void chain_give_out(Chain *chain);                  /* it counts as out */
bool virtio_is_live(const VirtioDevice *virtio);    /* may touch its rings */
void virtio_serve_again(void *opaque);              /* the timer's */

/* bell.c: the queue is served once more, soon; false: it has no doorbell. */
bool virtio_ring_bell(Virtqueue *queue);
void virtio_close_bells(VirtioDevice *virtio);

/* bell.c: whether the context's loop listens to it. */
void virtio_watch_bell(Virtqueue *queue, bool on);

/* redo.c */
void virtio_save_out(const VirtioDevice *virtio, GByteArray *out);
bool virtio_load_out(VirtioDevice *virtio, const u8 *data, size_t n,
                     GError **err) must_check;
Chain *virtqueue_take_redo(Virtqueue *queue);           /* NULL: none */

static inline bool virtq_packed(const Virtqueue *queue)
{
    return virtio_has(queue->virtio, VIRTIO_F_RING_PACKED);
}

static inline Mem *virtq_mem(const Virtqueue *queue)
{
    return queue->virtio->device.machine->mem;
}

static inline u16 virtq_size(const Virtqueue *queue)
{
    return queue->virtio->queues.size[queue->n];
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains: the buffers of one request, gathered from descriptors that were copied once, and the cursors that devices
 * read and write through.  Under the machine lock.
 */

#include "hw/virtio/virtq.h"

#include <string.h>

Chain *chain_take(Virtqueue *queue, unsigned slot)
{
    Chain *chain = queue->chain[slot];

    if (!chain) {
        chain = g_malloc0(sizeof *chain + VIRTQ_SIZE_MAX * sizeof chain->part[0]);
        queue->chain[slot] = chain;
    }
    memset(chain, 0, sizeof *chain);
    chain->virtio = queue->virtio;
    chain->queue = queue;
    return chain;
}

bool chain_add(Chain *chain, const Desc *desc)
{
    bool write = desc->flags & DESC_WRITE;
    unsigned n = chain->n_read + chain->n_write;

    if (n >= VIRTQ_SIZE_MAX || (!write && chain->n_write) ||
        chain->left + chain->room + desc->bytes > UINT32_MAX) {
        return false;
    }
    chain->part[n] = (ChainPart){ desc->at, desc->bytes };
    if (write) {
        chain->n_write++;
        chain->room += desc->bytes;
    } else {
        chain->n_read++;
        chain->left += desc->bytes;
    }
    chain->write_at = chain->n_read;
    return true;
}

/* A table entry as it lies in memory: split (2.7.5) or packed (2.8.13). */
static Desc desc_decode(const u8 *bytes, bool packed)
{
    Desc desc = { 0 };
    u16 half[2];

    memcpy(&desc.at, bytes, 8);
    memcpy(&desc.bytes, bytes + 8, 4);
    memcpy(half, bytes + 12, 4);
    desc.at = GUINT64_FROM_LE(desc.at);
    desc.bytes = GUINT32_FROM_LE(desc.bytes);
    desc.flags = GUINT16_FROM_LE(half[packed ? 1 : 0]);
    desc.id = packed ? GUINT16_FROM_LE(half[0]) : 0;
    desc.next = packed ? 0 : GUINT16_FROM_LE(half[1]);
    return desc;
}

/*
 * A split table is followed by its `next` fields, a packed one from end to end.  It is no longer than the queue, so
 * a loop ends there; an entry is read once.
 */
bool chain_add_indirect(Chain *chain, const Desc *table, bool packed)
{
    const Mem *mem = chain->virtio->device.machine->mem;
    u32 entries = table->bytes / 16, limit = chain->virtio->queues.size[chain->queue->n];

    if (table->bytes % 16 || !entries || entries > limit ||
        !(chain->virtio->state.driver_features & VIRTIO_F_INDIRECT_DESC)) {
        return false;
    }
    for (u32 i = 0, steps = 0; steps < entries; steps++) {
        u8 bytes[16];
        Desc desc;

        if (i >= entries || !mem_read(mem, table->at + i * 16ull, bytes, sizeof bytes)) {
            return false;
        }
        desc = desc_decode(bytes, packed);
        if ((desc.flags & DESC_INDIRECT) || !chain_add(chain, &desc)) {
            return false;
        }
        if (!packed && !(desc.flags & DESC_NEXT)) {
            return true;
        }
        i = packed ? i + 1 : desc.next;
    }
    return packed;
}

/* ---- cursors ---- */

size_t chain_left(const Chain *chain)
{
    return chain->left;
}

size_t chain_room(const Chain *chain)
{
    return chain->room;
}

Virtqueue *chain_queue(const Chain *chain)
{
    return chain->queue;
}

void chain_fault(Chain *chain, const char *why)
{
    chain->faulty = true;
    virtio_fault(chain->virtio, "queue %u: %s", chain->queue->n, why);
}

/* The next piece of at most n bytes that lies in one part; the cursor moves behind it. */
static ChainPart next_piece(const Chain *chain, unsigned *part, u32 *offset, u64 n)
{
    while (chain->part[*part].bytes == *offset) {
        (*part)++;
        *offset = 0;
    }
    ChainPart piece = { chain->part[*part].at + *offset,
                        MIN(n, chain->part[*part].bytes - *offset) };
    *offset += piece.bytes;
    return piece;
}

bool chain_get(Chain *chain, void *to, size_t n)
{
    u8 *at = to;

    if (n > chain->left || chain->faulty) {
        return false;
    }
    while (n) {
        ChainPart piece = next_piece(chain, &chain->read_at, &chain->read_offset, n);

        if (!mem_read(chain->virtio->device.machine->mem, piece.at, at, piece.bytes)) {
            chain_fault(chain, "2.7.5: a readable buffer is not in memory");
            return false;
        }
        at += piece.bytes;
        n -= piece.bytes;
        chain->left -= piece.bytes;
    }
    return true;
}

void chain_put(Chain *chain, const void *from, size_t n)
{
    const u8 *at = from;

    if (n > chain->room) {
        chain_fault(chain, "2.7.4: the writable buffers are too short");
    }
    while (n && !chain->faulty) {
        ChainPart piece = next_piece(chain, &chain->write_at, &chain->write_offset, n);

        if (!mem_write(chain->virtio->device.machine->mem, piece.at, at, piece.bytes)) {
            chain_fault(chain, "2.7.5: a writable buffer is not in memory");
        }
        at += piece.bytes;
        n -= piece.bytes;
        chain->room -= piece.bytes;
        chain->written += piece.bytes;
    }
}

void chain_status(Chain *chain, u8 status)
{
    const ChainPart *last = &chain->part[chain->n_read + chain->n_write];

    for (unsigned i = 0; i < chain->n_write && !chain->faulty; i++) {
        last--;
        if (last->bytes) {
            if (!mem_write(chain->virtio->device.machine->mem, last->at + last->bytes - 1, &status, 1)) {
                chain_fault(chain, "2.7.5: the status byte is not in memory");
            }
            chain->written += chain->room;      /* up to and with the last byte */
            chain->room = 0;
            return;
        }
    }
    chain_fault(chain, "2.7.4: no room for a status byte");
}

/* ---- host memory, for system calls ---- */

static bool span(Chain *chain, u64 n, unsigned *part, u32 *offset, struct iovec *iov, unsigned *count)
{
    unsigned used = 0;

    while (n) {
        ChainPart piece = next_piece(chain, part, offset, n);

        if (used == *count) {
            return false;
        }
        if (!mem_iov(chain->virtio->device.machine->mem, piece.at, piece.bytes, &iov[used])) {
            chain_fault(chain, "2.7.5: a buffer is not in memory");
            return false;
        }
        used++;
        n -= piece.bytes;
    }
    *count = used;
    return true;
}

bool chain_span_out(Chain *chain, size_t n, struct iovec *iov, unsigned *count)
{
    if (n > chain->left || chain->faulty || !span(chain, n, &chain->read_at, &chain->read_offset, iov, count)) {
        return false;
    }
    chain->left -= n;
    return true;
}

bool chain_span_in(Chain *chain, size_t n, struct iovec *iov, unsigned *count)
{
    if (n > chain->room || chain->faulty || !span(chain, n, &chain->write_at, &chain->write_offset, iov, count)) {
        return false;
    }
    chain->room -= n;
    chain->written += n;
    return true;
}

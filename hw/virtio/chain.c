/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains: the buffers of one request, gathered from descriptors that were copied once,
 * and the cursors that devices read and write through.  Under the machine lock.
 */

#include "hw/virtio/virtq.h"

#include <string.h>

/* ---- the pool ---- */

Chain *chain_take(Virtqueue *queue)
{
    Chain *chain = queue->spare;

    if (chain) {
        queue->spare = chain->next_spare;
    } else {
        chain = g_new(Chain, 1);
    }
    memset(chain, 0, offsetof(Chain, part));
    chain->virtio = queue->virtio;
    chain->queue = queue;
    return chain;
}

void chain_drop(Chain *chain)
{
    chain->next_spare = chain->queue->spare;
    chain->queue->spare = chain;
}

/* ---- gathering ---- */

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
static bool read_entry(const Mem *mem, gpa at, bool packed, Desc *desc)
{
    struct { u64 at; u32 bytes; u16 half[2]; } le;

    if (!mem_read(mem, at, &le, sizeof le)) {
        return false;
    }
    *desc = (Desc){
        .at = GUINT64_FROM_LE(le.at), .bytes = GUINT32_FROM_LE(le.bytes),
        .flags = GUINT16_FROM_LE(le.half[packed ? 1 : 0]),
        .next = packed ? 0 : GUINT16_FROM_LE(le.half[1]),
    };
    return true;
}

/*
 * A split table is followed by its `next` fields, a packed one from end to end; an
 * entry is read once, so that a loop ends.  Linux makes tables longer than the queue,
 * which 2.7.5.3.1 forbids: nothing here needs it.
 */
bool chain_add_indirect(Chain *chain, const Desc *table, bool packed)
{
    u32 entries = table->bytes / 16;

    if (table->bytes % 16 || !entries || entries > VIRTQ_SIZE_MAX ||
        !virtio_has(chain->virtio, VIRTIO_F_INDIRECT_DESC)) {
        return false;
    }
    for (u32 i = 0, steps = 0; steps < entries; steps++) {
        Desc desc;

        if (i >= entries || !read_entry(virtq_mem(chain->queue), table->at + i * 16ull,
                                        packed, &desc)) {
            return false;
        }
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

unsigned chain_ranges(const Chain *chain)
{
    return chain->n_read + chain->n_write;
}

Virtqueue *chain_queue(const Chain *chain)
{
    return chain->queue;
}

void chain_fault(Chain *chain, const char *why)
{
    chain->faulty = true;
    chain->left = chain->room = 0;
    virtio_fault(chain->virtio, "queue %u: %s", chain->queue->n, why);
}

/*
 * The next piece of at most n bytes that lies in one part; the cursor moves behind it.
 * There are that many.
 */
static ChainPart next_piece(const Chain *chain, unsigned *part, u32 *offset, u64 n)
{
    ChainPart piece;

    while (chain->part[*part].bytes == *offset) {
        (*part)++;
        *offset = 0;
    }
    piece.at = chain->part[*part].at + *offset;
    piece.bytes = MIN(n, chain->part[*part].bytes - *offset);
    *offset += piece.bytes;
    return piece;
}

bool chain_get(Chain *chain, void *to, size_t n)
{
    u8 *at = to;

    if (n > chain->left) {
        return false;
    }
    while (n) {
        ChainPart piece = next_piece(chain, &chain->read_at, &chain->read_offset, n);

        if (!mem_read(virtq_mem(chain->queue), piece.at, at, piece.bytes)) {
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
        return;
    }
    while (n) {
        ChainPart piece = next_piece(chain, &chain->write_at, &chain->write_offset, n);

        if (!mem_write(virtq_mem(chain->queue), piece.at, at, piece.bytes)) {
            chain_fault(chain, "2.7.5: a writable buffer is not in memory");
            return;
        }
        at += piece.bytes;
        n -= piece.bytes;
        chain->room -= piece.bytes;
        chain->written += piece.bytes;
    }
}

/*
 * 2.7.8.2: "The device MUST write at least len bytes to descriptor, beginning at the
 * first device-writable buffer": the status counts only if nothing is missing before.
 */
void chain_status(Chain *chain, u8 status)
{
    unsigned last = chain->n_read + chain->n_write;

    if (!chain->room) {
        chain_fault(chain, "2.7.4: no room for a status byte");
        return;
    }
    do {
        last--;
    } while (!chain->part[last].bytes);
    if (!mem_write(virtq_mem(chain->queue),
                   chain->part[last].at + chain->part[last].bytes - 1, &status, 1)) {
        chain_fault(chain, "2.7.5: the status byte is not in memory");
        return;
    }
    chain->written += chain->room == 1;
    chain->room = 0;
}

/* ---- host memory, for system calls ---- */

static bool span(Chain *chain, u64 n, unsigned *part, u32 *offset, struct iovec *iov,
                 unsigned *count)
{
    unsigned used = 0;

    while (n) {
        ChainPart piece = next_piece(chain, part, offset, n);

        if (used == *count) {
            chain_fault(chain, "2.7.4.1: more pieces than the device takes");
            return false;
        }
        if (!mem_iov(virtq_mem(chain->queue), piece.at, piece.bytes, &iov[used])) {
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
    if (n > chain->left ||
        !span(chain, n, &chain->read_at, &chain->read_offset, iov, count)) {
        return false;
    }
    chain->left -= n;
    return true;
}

bool chain_span_in(Chain *chain, size_t n, struct iovec *iov, unsigned *count)
{
    if (n > chain->room ||
        !span(chain, n, &chain->write_at, &chain->write_offset, iov, count)) {
        return false;
    }
    chain->spanned = true;
    chain->room -= n;
    chain->written += n;
    return true;
}

void chain_mark_written(const Chain *chain)
{
    for (unsigned i = 0; chain->spanned && i < chain->n_write; i++) {
        const ChainPart *part = &chain->part[chain->n_read + i];

        mem_written(virtq_mem(chain->queue), part->at, part->bytes);
    }
}

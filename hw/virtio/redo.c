/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that are out while a device is saved: a disk's that wait for `cont`
 * (werror=stop).  Their buffers are saved, since a driver's ring may have them no
 * longer, and the restored device is given them anew.
 *
 *     per chain: queue id slots n_read n_write (16 bits each), then per part its
 *     address (64 bits) and length (32 bits)
 *
 * Under the lock of the device's context.
 */

#include "hw/virtio/virtq.h"

#include "base/bytes.h"

enum { HEAD_BYTES = 10, PART_BYTES = 12 };

static void save_chain(const Chain *chain, GByteArray *out)
{
    append_num(out, chain->queue->n, 2);
    append_num(out, chain->id, 2);
    append_num(out, chain->slots, 2);
    append_num(out, chain->n_read, 2);
    append_num(out, chain->n_write, 2);
    for (unsigned i = 0; i < chain->n_read + chain->n_write; i++) {
        append_num(out, chain->part[i].at, 8);
        append_num(out, chain->part[i].bytes, 4);
    }
}

void virtio_save_out(const VirtioDevice *virtio, GByteArray *out)
{
    for (unsigned i = 0; virtio->type->redo && i < virtio->n_queues; i++) {
        for (const Chain *c = virtio->queue[i].first_out; c; c = c->next_out) {
            save_chain(c, out);
        }
    }
}

/* The queue whose chain this is, if there can be one with this id and so many slots. */
static Virtqueue *queue_of(VirtioDevice *virtio, const u8 *head)
{
    u16 n = get16(head), id = get16(head + 2), slots = get16(head + 4);
    Virtqueue *queue = n < virtio->n_queues ? &virtio->queue[n] : NULL;

    if (!queue || !virtio->queues.enabled[n] || queue->out >= virtq_size(queue) ||
        !slots || slots > virtq_size(queue)) {
        return NULL;
    }
    if (!virtq_packed(queue) && (id >= virtq_size(queue) || queue->given[id])) {
        return NULL;
    }
    return queue;
}

/* Bytes it takes; 0: it is not right. */
static size_t load_chain(VirtioDevice *virtio, const u8 *at, size_t n)
{
    Virtqueue *queue = n >= HEAD_BYTES ? queue_of(virtio, at) : NULL;
    unsigned n_read, parts;
    Chain *chain;

    if (!queue) {
        return 0;
    }
    n_read = get16(at + 6);
    parts = n_read + get16(at + 8);
    if (parts > VIRTQ_SIZE_MAX || n - HEAD_BYTES < parts * PART_BYTES) {
        return 0;
    }
    chain = chain_take(queue);
    chain->id = get16(at + 2);
    chain->slots = get16(at + 4);
    at += HEAD_BYTES;
    for (unsigned i = 0; i < parts; i++, at += PART_BYTES) {
        Desc desc = { .at = get64(at), .bytes = get32(at + 8),
                      .flags = i < n_read ? 0 : DESC_WRITE };

        if (!chain_add(chain, &desc)) {
            chain_drop(chain);
            return 0;
        }
    }
    if (!virtq_packed(queue)) {
        chain->given = &queue->given[chain->id];
        *chain->given = true;
    }
    chain_give_out(chain);
    *(queue->last_redo ? &queue->last_redo->next_redo : &queue->redo) = chain;
    queue->last_redo = chain;
    return HEAD_BYTES + parts * PART_BYTES;
}

bool virtio_load_out(VirtioDevice *virtio, const u8 *data, size_t n, GError **err)
{
    while (n) {
        size_t took = virtio->type->redo ? load_chain(virtio, data, n) : 0;

        if (!took) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                        "virtio-queues: a request that was out is not right");
            return false;
        }
        data += took;
        n -= took;
    }
    return true;
}

Chain *virtqueue_take_redo(Virtqueue *queue)
{
    Chain *chain = queue->redo;

    if (chain) {
        queue->redo = chain->next_redo;
        queue->last_redo = queue->redo ? queue->last_redo : NULL;
        chain->next_redo = NULL;
    }
    return chain;
}

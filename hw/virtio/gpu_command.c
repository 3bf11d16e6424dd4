/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu: from a chain to a command and its answer (virtio 1.2, 5.7.6.7).  See
 * gpu.h.  Under the machine lock.
 */

#include "hw/virtio/gpu.h"

#include <string.h>

/* 5.7.6.7: a fence is answered with its own number, when what it fences is done. */
void gpu_answer(Gpu *gpu, Chain *chain, const GpuHeader *asked, u32 type,
                const void *out, size_t bytes)
{
    GpuHeader header = { .type = type };
    size_t room = chain_room(chain), n = sizeof header;

    if (type >= GPU_ERR_UNSPEC) {
        device_fault(&gpu->virtio.device, "5.7.6: command 0x%x fails with 0x%x",
                     asked->type, type);
    }
    if (asked->flags & GPU_FLAG_FENCE) {
        header.flags = asked->flags & (GPU_FLAG_FENCE | GPU_FLAG_RING);
        header.fence_id = asked->fence_id;
        header.ctx_id = asked->ctx_id;
        header.ring = asked->ring;
    }
    /* A driver that has less room gets less. */
    chain_put(chain, &header, MIN(room, n));
    room -= MIN(room, n);
    if (out) {
        chain_put(chain, out, MIN(room, bytes));
    }
}

const GpuCommand *gpu_command_find(const GpuCommand *table, u32 type)
{
    for (; table->type; table++) {
        if (table->type == type) {
            return table;
        }
    }
    return NULL;
}

void gpu_serve(Gpu *gpu, const GpuCommand *command, GpuRequest *request)
{
    u32 type = GPU_ERR_UNSPEC;

    if (command && chain_get(request->chain, &request->in, command->bytes)) {
        type = command->run(gpu, request);
    }
    gpu_answer(gpu, request->chain, &request->header, type, &request->out,
               request->out_bytes);
    chain_done(request->chain);
}

static void serve(Gpu *gpu, const GpuCommand *table, Chain *chain)
{
    GpuRequest request = { .chain = chain };

    if (!chain_get(chain, &request.header, sizeof request.header)) {
        chain_fault(chain, "5.7.6.7: no header");
        chain_done(chain);
        return;
    }
    gpu_serve(gpu, gpu_command_find(table, request.header.type), &request);
}

void gpu_control(VirtioDevice *virtio, Chain *chain)
{
    serve(gpu_of(&virtio->device), gpu_commands_2d, chain);
}

void gpu_cursor(VirtioDevice *virtio, Chain *chain)
{
    serve(gpu_of(&virtio->device), gpu_commands_cursor, chain);
}

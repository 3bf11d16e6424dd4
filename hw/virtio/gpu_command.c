/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu: from a chain to a command and its answer (virtio 1.2, 5.7.6.7).  See
 * gpu.h.  Under the machine lock.
 */

#include "hw/virtio/gpu.h"

#include <string.h>

/* 5.7.6.7: a fence is answered with its own number, when what it fences is done. */
static void answer(GpuRequest *request, u32 type)
{
    GpuHeader header = { .type = type };
    size_t room = chain_room(request->chain), n = sizeof header;

    if (request->header.flags & GPU_FLAG_FENCE) {
        header.flags = request->header.flags & (GPU_FLAG_FENCE | GPU_FLAG_RING);
        header.fence_id = request->header.fence_id;
        header.ctx_id = request->header.ctx_id;
        header.ring = request->header.ring;
    }
    /* A driver that has less room gets less. */
    chain_put(request->chain, &header, MIN(room, n));
    room -= MIN(room, n);
    if (request->out_bytes) {
        chain_put(request->chain, &request->out, MIN(room, request->out_bytes));
    }
}

static const GpuCommand *find(const GpuCommand *table, u32 type)
{
    for (; table->type; table++) {
        if (table->type == type) {
            return table;
        }
    }
    return NULL;
}

static void serve(Gpu *gpu, const GpuCommand *table, Chain *chain)
{
    GpuRequest request = { .chain = chain };
    const GpuCommand *command;
    u32 type = GPU_ERR_UNSPEC;

    if (!chain_get(chain, &request.header, sizeof request.header)) {
        chain_fault(chain, "5.7.6.7: no header");
        chain_done(chain);
        return;
    }
    command = find(table, request.header.type);
    if (command && chain_get(chain, &request.in, command->bytes)) {
        type = command->run(gpu, &request);
    }
    if (type >= GPU_ERR_UNSPEC) {
        device_fault(&gpu->virtio.device, "5.7.6: command 0x%x fails with 0x%x",
                     request.header.type, type);
    }
    answer(&request, type);
    chain_done(chain);
}

void gpu_control(VirtioDevice *virtio, Chain *chain)
{
    serve(gpu_of(&virtio->device), gpu_commands_2d, chain);
}

void gpu_cursor(VirtioDevice *virtio, Chain *chain)
{
    serve(gpu_of(&virtio->device), gpu_commands_cursor, chain);
}

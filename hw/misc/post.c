/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port 0x80: firmware shows its progress there, and Linux writes to it to let a
 * microsecond pass.  The last value can be read back, as from the DMA page register
 * that a PC has there.
 *
 * Called with the machine lock held.
 */

#include "hw/devices.h"
#include "hw/isa/isa.h"

STATE(PostState, (u8, code, "the last progress code"));

typedef struct {
    IsaDevice isa;
    PostState state;
} Post;

static u64 post_read(void *opaque, u64 offset, unsigned size)
{
    const Post *post = opaque;

    return post->state.code;
}

static void post_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Post *post = opaque;

    post->state.code = value;
}

static const RegionOps post_ops = { post_read, post_write, 1 };

static bool post_open(Device *dev, GError **err)
{
    IsaDevice *isa = container_of(dev, IsaDevice, device);

    return isa_ports(isa, 0x80, 1, &post_ops, err);
}

const DeviceType post_type = {
    .name = "isa-post",
    .help = "port 0x80, progress codes of the firmware",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(Post),
    .part = { .name = "post", DEVICE_STATE(Post, PostState) },
    .open = post_open,
};

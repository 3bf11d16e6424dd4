/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-net's ioctls: see vhost.h.  Away from hw/virtio, since the kernel's headers
 * give other values to names that are used there.
 */

#include "net/vhost.h"

#include <linux/vhost.h>
#include <sys/ioctl.h>

bool vhost_own(int vhost)
{
    return ioctl(vhost, VHOST_SET_OWNER) == 0;
}

u64 vhost_features(int vhost)
{
    u64 features;

    return ioctl(vhost, VHOST_GET_FEATURES, &features) ? 0 : features;
}

const char *vhost_set_up(int vhost, u64 features, const VhostRegion *region,
                         unsigned n)
{
    g_autofree struct vhost_memory *table =
        g_malloc0(sizeof *table + n * sizeof *table->regions);

    table->nregions = n;
    for (unsigned i = 0; i < n; i++) {
        table->regions[i] = (struct vhost_memory_region){
            .guest_phys_addr = region[i].guest, .memory_size = region[i].bytes,
            .userspace_addr = (uintptr_t)region[i].host,
        };
    }
    return ioctl(vhost, VHOST_SET_FEATURES, &features) ? "VHOST_SET_FEATURES"
           : ioctl(vhost, VHOST_SET_MEM_TABLE, table) ? "VHOST_SET_MEM_TABLE" : NULL;
}

const char *vhost_set_ring(int vhost, unsigned queue, const VhostRing *ring)
{
    struct vhost_vring_state size = { queue, ring->size }, base = { queue, ring->next };
    struct vhost_vring_addr addr = {
        .index = queue, .desc_user_addr = (uintptr_t)ring->desc,
        .avail_user_addr = (uintptr_t)ring->driver,
        .used_user_addr = (uintptr_t)ring->device,
    };
    struct vhost_vring_file kick = { queue, ring->kick }, call = { queue, ring->call };

    return ioctl(vhost, VHOST_SET_VRING_NUM, &size) ? "VHOST_SET_VRING_NUM"
           : ioctl(vhost, VHOST_SET_VRING_BASE, &base) ? "VHOST_SET_VRING_BASE"
           : ioctl(vhost, VHOST_SET_VRING_ADDR, &addr) ? "VHOST_SET_VRING_ADDR"
           : ioctl(vhost, VHOST_SET_VRING_KICK, &kick) ? "VHOST_SET_VRING_KICK"
           : ioctl(vhost, VHOST_SET_VRING_CALL, &call) ? "VHOST_SET_VRING_CALL" : NULL;
}

const char *vhost_set_interface(int vhost, unsigned queue, int interface)
{
    struct vhost_vring_file file = { queue, interface };

    return ioctl(vhost, VHOST_NET_SET_BACKEND, &file) ? "VHOST_NET_SET_BACKEND" : NULL;
}

u16 vhost_position(int vhost, unsigned queue, u16 otherwise)
{
    struct vhost_vring_state base = { queue, otherwise };

    return ioctl(vhost, VHOST_GET_VRING_BASE, &base) ? otherwise : base.num;
}

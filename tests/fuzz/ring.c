/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile rings (tests/lib/hostile.h) without an end: every virtio device, a new seed
 * for every rig.  MAYFLY_FUZZ=N in the environment: N times 20000 rounds per device.
 */

#include "base/lock.h"
#include "block/block.h"
#include "fsdev/share.h"
#include "hw/virtio/devices.h"
#include "tests/lib/echo.h"
#include "tests/lib/fake_render.h"
#include "tests/lib/hostile.h"

#include <stdlib.h>

enum { ROUNDS = 20000, ROUNDS_PER_RIG = 2000 };

static const char *options_of(const DeviceType *type)
{
    return type == &virtio_blk.device ? "drive=disk,ioeventfd=off"
           : type == &virtio_net.device ? "ioeventfd=off"
           : type == &virtio_9p.device
           ? "fsdev=folder,mount_tag=tag,thread=off,ioeventfd=off" : NULL;
}

static void test_rings(gconstpointer data)
{
    const DeviceType *type = data;
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 rounds = ROUNDS * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);
    u64 done = 0, faults = 0;

    for (; done < rounds; done += ROUNDS_PER_RIG) {
        u64 seed = (u32)g_test_rand_int();
        Rig *rig = rig_new(type, &virtio_pci_bus, options_of(type), NS_PER_SEC, NULL);
        g_autofree char *why = NULL;

        g_assert_nonnull(rig);
        machine_lock();
        why = hostile_rings(rig, seed, ROUNDS_PER_RIG);
        machine_unlock();
        faults += rig->dev->faults;
        rig_free(rig);
        if (why) {
            g_error("seed %u: %s", (unsigned)seed, why);
        }
    }
    g_test_message("%" G_GUINT64_FORMAT " rounds, %" G_GUINT64_FORMAT " faults", done,
                   faults);
    g_assert_cmpuint(faults, >, done / 100);
}

static void add_device(const DeviceType *type)
{
    g_autofree char *path = g_strdup_printf("/rings/%s", type->name);

    g_test_add_data_func(path, type, test_rings);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fake_render_install();
    g_assert_true(blockdev_add("null-co,node-name=disk,size=1M", NULL));
    g_assert_true(share_add("local,id=folder,path=.,security_model=none,readonly=on",
                            NULL));
    add_device(&echo_type.device);
    for (const DeviceType *const *type = device_types; *type; type++) {
        if (type[0]->bus[0] == &virtio_pci_bus) {
            add_device(*type);
        }
    }
    return g_test_run();
}

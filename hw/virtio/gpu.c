/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu and virtio-vga: displays with resources (virtio 1.2, section 5.7).  See
 * gpu.h.
 *
 * virtio-vga is the same behind a VGA, for firmware and early boot: its picture is
 * shown until the driver shows one of its own, and again after a reset.
 */

#include "hw/pci/pci.h"
#include "hw/virtio/devices.h"
#include "hw/virtio/gpu.h"

#include <string.h>

static const Field config_fields[] = STATE_ROWS(GpuConfig, GPU_CONFIG_ROWS);
static const Field state_fields[] = STATE_ROWS(GpuState, GPU_STATE_ROWS);

/* ---- configuration space (5.7.4) ---- */

static void config_get(VirtioDevice *virtio, u8 *bytes)
{
    Gpu *gpu = gpu_of(&virtio->device);
    GpuConfigSpace space = { .events_read = gpu->state.events,
                             .scanouts = gpu->config.max_outputs };

    memcpy(bytes, &space, sizeof space);
}

static void config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                       unsigned n)
{
    Gpu *gpu = gpu_of(&virtio->device);
    unsigned at = offsetof(GpuConfigSpace, events_clear);

    if (offset <= at && offset + n > at) {
        gpu->state.events &= ~(u32)bytes[at - offset];
    }
}

/* ---- life ---- */

static void reset(Device *dev)
{
    Gpu *gpu = gpu_of(dev);

    gpu_consoles_blank(gpu);
    gpu_resources_free(gpu);
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        console_set_cursor(gpu->scanout[i].console, NULL);
    }
    gpu->state.width[0] = gpu->config.xres;
    gpu->state.height[0] = gpu->config.yres;
    if (gpu->vga) {
        gpu->vga->given = false;
        console_set_surface(gpu->vga->console, &gpu->vga->surface);
    }
}

static bool open_gpu(Device *dev, GError **err)
{
    Gpu *gpu = gpu_of(dev);

    (void)err;
    gpu->virtio.features |= (gpu->config.edid ? GPU_F_EDID : 0) |
                            (gpu->config.blob ? GPU_F_BLOB : 0);
    gpu->resources = g_hash_table_new(NULL, NULL);
    gpu_scanouts_open(gpu);
    return true;
}

static void close_gpu(Device *dev)
{
    Gpu *gpu = gpu_of(dev);

    if (gpu->resources) {
        gpu_consoles_blank(gpu);
        gpu_resources_free(gpu);
        gpu_scanouts_close(gpu);
        g_clear_pointer(&gpu->resources, g_hash_table_unref);
    }
}

#define GPU_PART(T)                                                                 \
    .name = "virtio-gpu",                                                           \
    .config = config_fields, .config_at = offsetof(T, config),                      \
    .state = state_fields, .state_at = offsetof(T, state),                          \
    .state_size = sizeof(GpuState),                                                 \
    .reset = reset, .save_more = gpu_save_more, .load_more = gpu_load_more

#define GPU_VIRTIO(pci_class)                                                       \
    .id = 16,                                                                       \
    .class = pci_class,                                                             \
    .queue = { { "control", 256, gpu_control }, { "cursor", 16, gpu_cursor } },     \
    .config_size = sizeof(GpuConfigSpace),                                          \
    .config_get = config_get,                                                       \
    .config_set = config_set

const VirtioType virtio_gpu = {
    .device = {
        .name    = "virtio-gpu",
        .help    = "displays whose driver draws into resources",
        .aliases = { "virtio-gpu" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(Gpu),
        .part    = { GPU_PART(Gpu) },
        .open    = open_gpu,
        .close   = close_gpu,
    },
    GPU_VIRTIO(0x038000),
};

/* ---- virtio-vga ---- */

typedef struct {
    Gpu gpu;                        /* first */
    Vga vga;
} VirtioVga;

enum { VGA_MEMORY_MIB = 16 };

static VirtioVga *virtio_vga_of(Device *dev)
{
    return container_of(dev, VirtioVga, gpu.virtio.device);
}

static void reset_vga(Device *dev)
{
    vga_reset(&virtio_vga_of(dev)->vga);
}

static bool vga_is_loaded(Device *dev, GError **err)
{
    return vga_loaded(&virtio_vga_of(dev)->vga, err);
}

static const Part vga_part = {
    .name = "vga",
    .state = vga_state_rows, .state_at = offsetof(VirtioVga, vga.state),
    .state_size = sizeof(VgaState),
    .reset_state = &vga_reset_state,
    .reset = reset_vga,
    .loaded = vga_is_loaded,
};

static bool open_virtio_vga(Device *dev, GError **err)
{
    VirtioVga *v = virtio_vga_of(dev);
    PciDevice *pci = pci_device(dev);

    if (!vga_open(&v->vga, dev->machine, dev->id ? dev->id : dev->type->name,
                  VGA_MEMORY_MIB, true, err)) {
        return false;
    }
    device_add_part(dev, &vga_part, v);
    pci_add_bar(pci, 0, PCI_BAR_MEM | PCI_BAR_PREFETCH, &v->vga.lfb);
    pci_add_bar(pci, 2, PCI_BAR_MEM, &v->vga.mmio);
    pci->default_rom = "vgabios-virtio.bin";
    vga_set_edid(&v->vga, &(EdidInfo){ v->gpu.config.xres, v->gpu.config.yres, 0, 0 });
    v->gpu.vga = &v->vga;
    return open_gpu(dev, err);
}

static void close_virtio_vga(Device *dev)
{
    close_gpu(dev);
    vga_close(&virtio_vga_of(dev)->vga);
}

const VirtioType virtio_vga = {
    .device = {
        .name    = "virtio-vga",
        .help    = "virtio-gpu with a VGA for firmware and early boot",
        .bus     = { &virtio_pci_plain_bus },
        .size    = sizeof(VirtioVga),
        .part    = { GPU_PART(Gpu) },
        .open    = open_virtio_vga,
        .close   = close_virtio_vga,
    },
    GPU_VIRTIO(0x030000),
};

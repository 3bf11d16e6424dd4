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
#include "hw/virtio/gpu_gl.h"

#include <string.h>

static const char *const gpu_blob_names[] = { "auto", "off", "on", NULL };
static const Field config_fields[] = STATE_ROWS(GpuConfig, GPU_CONFIG_ROWS);
static const Field gl_config_fields[] = STATE_ROWS(GpuConfig, GPU_GL_CONFIG_ROWS);
static const Field state_fields[] = STATE_ROWS(GpuState, GPU_STATE_ROWS);

/* ---- configuration space (5.7.4) ---- */

static void config_get(VirtioDevice *virtio, u8 *bytes)
{
    Gpu *gpu = gpu_of(&virtio->device);
    GpuConfigSpace space = { .events_read = gpu->state.events,
                             .scanouts = gpu->config.max_outputs,
                             .capsets = gpu->gl ? gpu_gl_capsets(gpu) : 0 };

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
    if (gpu->gl) {
        gpu_gl_reset(gpu);
    }
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
                            (gpu->config.blob == GPU_BLOB_ON ? GPU_F_BLOB : 0);
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
    gpu_gl_close(gpu);
}

static bool open_gl(Device *dev, GError **err)
{
    return gpu_gl_open(gpu_of(dev), err) && open_gpu(dev, err);
}

static bool check_gl(const void *config, GError **err)
{
    const GpuConfig *c = config;
    const char *why = NULL;

    if (c->venus && (c->isolated || c->blob == GPU_BLOB_OFF || !c->hostmem)) {
        why = "venus=on: Vulkan's memory is the guest's, too: it needs isolated=off, "
              "blob=auto or on, and hostmem=";
    } else if (c->hostmem & (c->hostmem - 1) || (c->hostmem && c->hostmem < 1 << 20)) {
        why = "hostmem: a power of two is wanted, 1M at least, or 0";
    } else if (c->isolated && c->blob == GPU_BLOB_ON) {
        why = "blob=on: a renderer in a process of its own has no memory that the "
              "guest could see; use isolated=off, or blob=off";
    }
    if (why) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s", why);
    }
    return !why;
}

#define GPU_PART(T, fields)                                                         \
    .name = "virtio-gpu",                                                           \
    .config = fields, .config_at = offsetof(T, config),                             \
    .state = state_fields, .state_at = offsetof(T, state),                          \
    .state_size = sizeof(GpuState),                                                 \
    .reset = reset, .savable = gpu_gl_savable,                                      \
    .save_more = gpu_save_more, .load_more = gpu_load_more

#define GPU_VIRTIO(pci_class, control)                                              \
    .id = 16,                                                                       \
    .class = pci_class,                                                             \
    .queue = { { "control", 256, control }, { "cursor", 16, gpu_cursor } },         \
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
        .part    = { GPU_PART(Gpu, config_fields) },
        .open    = open_gpu,
        .close   = close_gpu,
    },
    GPU_VIRTIO(0x038000, gpu_control),
};

const VirtioType virtio_gpu_gl = {
    .device = {
        .name    = "virtio-gpu-gl",
        .help    = "the same with 3D: its driver's GL is drawn by the host's",
        .aliases = { "virtio-gpu-gl" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(Gpu),
        .part    = { GPU_PART(Gpu, gl_config_fields) },
        .check   = check_gl,
        .open    = open_gl,
        .close   = close_gpu,
    },
    GPU_VIRTIO(0x038000, gpu_gl_control),
    .stop = gpu_gl_stop,
    .paused = gpu_gl_paused,
    .shared_moved = gpu_gl_shared_moved,
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
    vga_offer_text(&v->vga, &pci->rom);
    vga_set_edid(&v->vga, &(EdidInfo){ v->gpu.config.xres, v->gpu.config.yres, 0, 0 });
    v->gpu.vga = &v->vga;
    return open_gpu(dev, err);
}

static bool open_virtio_vga_gl(Device *dev, GError **err)
{
    return gpu_gl_open(gpu_of(dev), err) && open_virtio_vga(dev, err);
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
        .part    = { GPU_PART(Gpu, config_fields) },
        .open    = open_virtio_vga,
        .close   = close_virtio_vga,
    },
    GPU_VIRTIO(0x030000, gpu_control),
};

const VirtioType virtio_vga_gl = {
    .device = {
        .name    = "virtio-vga-gl",
        .help    = "virtio-gpu-gl with a VGA for firmware and early boot",
        .bus     = { &virtio_pci_plain_bus },
        .size    = sizeof(VirtioVga),
        .part    = { GPU_PART(Gpu, gl_config_fields) },
        .check   = check_gl,
        .open    = open_virtio_vga_gl,
        .close   = close_virtio_vga,
    },
    GPU_VIRTIO(0x030000, gpu_gl_control),
    .stop = gpu_gl_stop,
    .paused = gpu_gl_paused,
    .shared_moved = gpu_gl_shared_moved,
};

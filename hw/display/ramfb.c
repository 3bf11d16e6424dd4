/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ramfb: a frame buffer in the guest's RAM, whose place and size firmware writes into
 * fw_cfg's file "etc/ramfb" (QEMU's docs/specs).  Pixels have 32 bits.  Under the
 * machine lock.
 */

#include "base/file.h"
#include "hw/display/devices.h"
#include "hw/isa/isa.h"
#include "hw/machine/fw_cfg.h"
#include "ui/console.h"

#include <string.h>

enum { XRGB8888 = 0x34325258, ARGB8888 = 0x34325241, ROM_MAX = 256 << 10 };

/* The file; all numbers are big endian. */
typedef struct __attribute__((packed)) {
    u64 at;
    u32 format, flags, width, height, stride;
} RamfbFile;

STATE(RamfbState,
    (u64, at,     "address of the first pixel"),
    (u32, width,  "pixels across; 0: there is no picture", .max = SURFACE_MAX),
    (u32, height, "lines", .max = SURFACE_MAX),
    (u32, stride, "bytes from a line to the next"),
    (u32, unused, "zero", .max = 1));

typedef struct {
    IsaDevice isa;
    RamfbState state;
    Console *console;
    u32 *pixels;
    Surface surface;
} Ramfb;

static Ramfb *ramfb_of(Device *dev)
{
    return container_of(dev, Ramfb, isa.device);
}

/* Compares the guest's lines with what is shown, and shows the new ones. */
static void update(void *opaque)
{
    Ramfb *fb = opaque;
    const RamfbState *s = &fb->state;
    const Mem *mem = fb->isa.device.machine->mem;
    g_autofree u32 *line = g_new0(u32, MAX(s->width, 1));
    size_t n = s->width * 4ul;
    Rect damage = { 0 };

    for (u32 y = 0; y < s->height; y++) {
        u32 *shown = fb->pixels + (size_t)y * s->width;

        if (!mem_read(mem, s->at + (u64)y * s->stride, line, n)) {
            break;
        }
        if (memcmp(shown, line, n) != 0) {
            memcpy(shown, line, n);
            damage = rect_union(damage, (Rect){ 0, y, s->width, 1 });
        }
    }
    console_damage(fb->console, damage.x, damage.y, damage.w, damage.h);
}

static const ConsoleOps console_ops = { .update = update };

/* Shows what the state says. */
static void show(Ramfb *fb)
{
    const RamfbState *s = &fb->state;

    console_set_surface(fb->console, NULL);
    g_clear_pointer(&fb->pixels, g_free);
    if (s->width && s->height) {
        fb->pixels = g_new0(u32, (size_t)s->width * s->height);
        fb->surface = (Surface){ s->width, s->height, s->width * 4, (u8 *)fb->pixels };
        console_set_surface(fb->console, &fb->surface);
        update(fb);
    }
}

static void written(void *opaque, const u8 *bytes, size_t n)
{
    Ramfb *fb = opaque;
    RamfbState s = { 0 };
    u32 format;
    RamfbFile file;

    memcpy(&file, bytes, MIN(n, sizeof file));
    format = GUINT32_FROM_BE(file.format);
    s.at = GUINT64_FROM_BE(file.at);
    s.width = GUINT32_FROM_BE(file.width);
    s.height = GUINT32_FROM_BE(file.height);
    s.stride = GUINT32_FROM_BE(file.stride);
    if (s.width < 16 || s.height < 16 || s.width > SURFACE_MAX ||
        s.height > SURFACE_MAX || (format != XRGB8888 && format != ARGB8888)) {
        device_fault(&fb->isa.device, "ramfb: %u x %u, format 0x%x", s.width, s.height,
                     format);
        return;
    }
    s.stride = s.stride ? s.stride : s.width * 4;
    fb->state = s;
    show(fb);
}

/* What SeaBIOS draws with, if it is installed. */
static bool add_rom(FwCfg *fw, GError **err)
{
    g_autofree char *path = firmware_path("vgabios-ramfb.bin");
    g_autoptr(File) file = path ? file_open(path, ROM_MAX, err) : NULL;
    g_autofree u8 *bytes = file ? file_contents(file, err) : NULL;

    return !path || (bytes && fw_cfg_add_file(fw, "vgaroms/vgabios-ramfb.bin", bytes,
                                              file->size, err));
}

static bool open_ramfb(Device *dev, GError **err)
{
    Ramfb *fb = ramfb_of(dev);
    FwCfg *fw = dev->machine->fw_cfg;

    fb->console = console_new(dev->id ? dev->id : "ramfb", &console_ops, fb);
    return !fw || (fw_cfg_add_writable(fw, "etc/ramfb", sizeof(RamfbFile), written, fb,
                                       err) && add_rom(fw, err));
}

static void close_ramfb(Device *dev)
{
    Ramfb *fb = ramfb_of(dev);

    console_free(fb->console);
    g_free(fb->pixels);
}

static void reset(Device *dev)
{
    show(ramfb_of(dev));
}

static bool loaded(Device *dev, GError **err)
{
    (void)err;
    show(ramfb_of(dev));
    return true;
}

const DeviceType ramfb_type = {
    .name = "ramfb",
    .help = "a frame buffer in RAM, for firmware",
    ISA_DEVICE,
    .size = sizeof(Ramfb),
    .part = {
        .name = "ramfb",
        DEVICE_STATE(Ramfb, RamfbState),
        .reset = reset,
        .loaded = loaded,
    },
    .open = open_ramfb,
    .close = close_ramfb,
};

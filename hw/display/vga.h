/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA and its Bochs extension, as a core for the devices that have one (VGA,
 * virtio-vga).  IBM's PS/2 Hardware Interface Technical Reference, "Video Subsystem";
 * QEMU's docs/specs/standard-vga for the extension (DISPI) and its registers in memory.
 *
 * Memory is kept as one array of 32-bit words whose byte n is plane n: the planar modes
 * see words, chained (256-colour) and extended modes see bytes.  It is guest RAM at an
 * address that no CPU can form (VIDEO_RAM_AT), so that it is saved with RAM and the
 * frame buffer is written at full speed; device DMA that lands there harms nobody.
 *
 *     ports, window 0xa0000 --> vga_ports.c, vga_memory.c   what the guest does
 *     DISPI ports and BAR   --> vbe.c
 *     console's update      --> vga_draw.c, vga_text.c      what is seen
 *     a start without firmware --> vga_bios.c               what its BIOS would do
 *
 * Left out: what depends on the beam (retrace bits only toggle; split screens and
 * panning are applied per frame), interrupts, hidden DACs.  The cursor and blinking
 * characters stand still.  Under the machine lock.
 */

#ifndef HW_DISPLAY_VGA_H
#define HW_DISPLAY_VGA_H

#include "hw/core/machine.h"
#include "ui/console.h"
#include "ui/edid.h"

enum {
    VGA_PLANES_BYTES = 256 << 10,   /* what the legacy modes see */
    VGA_MMIO_BYTES = 4096,
    VBE_MAX_WIDTH = 5120, VBE_MAX_HEIGHT = 5120,
};

/* Index registers of the DISPI interface. */
enum {
    VBE_ID, VBE_XRES, VBE_YRES, VBE_BPP, VBE_ENABLE, VBE_BANK, VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT, VBE_X_OFFSET, VBE_Y_OFFSET, VBE_MEMORY, VBE_REGS = 10,
};
enum { VBE_ON = 1, VBE_GET_CAPS = 2, VBE_8BIT_DAC = 0x20, VBE_LFB = 0x40,
       VBE_NO_CLEAR = 0x80 };

#define VGA_STATE_ROWS                                                              \
    (u32,     latch,     "the four planes' bytes at the last read"),                \
    (u16[10], vbe,       "DISPI registers"),                                        \
    (u16,     vbe_index, "DISPI register selected"),                                \
    (u16,     vbe_low,   "low byte of a DISPI value written by halves"),            \
    (u8[8],   sr,        "sequencer registers"),                                    \
    (u8[16],  gr,        "graphics controller registers"),                          \
    (u8[32],  cr,        "CRT controller registers"),                               \
    (u8[24],  ar,        "attribute controller registers"),                         \
    (u8[768], palette,   "the DAC: red, green, blue"),                              \
    (u8[3],   dac_cache, "colours of an entry that is not complete"),               \
    (u8,      sr_index,  "sequencer register selected", .max = 7),                  \
    (u8,      gr_index,  "graphics register selected", .max = 15),                  \
    (u8,      cr_index,  "CRT register selected"),                                  \
    (u8,      ar_index,  "attribute register selected; 0x20: screen on", .max = 63), \
    (u8,      ar_flip,   "1 if the next write to 0x3c0 is data", .max = 1),         \
    (u8,      msr,       "miscellaneous output register"),                          \
    (u8,      fcr,       "feature control register"),                               \
    (u8,      st01,      "input status 1: toggles"),                                \
    (u8,      pel_mask,  "mask of pixels before the DAC"),                          \
    (u8,      dac_read,  "DAC entry to read"),                                      \
    (u8,      dac_write, "DAC entry to write"),                                     \
    (u8,      dac_sub,   "its next colour", .max = 2),                              \
    (u8,      dac_state, "0 after a write of the index, 3 for reading", .max = 3)

STATE_STRUCT(VgaState, VGA_STATE_ROWS);
extern const Field vga_state_rows[];
extern const VgaState vga_reset_state;

typedef struct {
    Machine *machine;
    const char *name;
    VgaState state;
    Console *console;
    bool legacy;                    /* ports, window, planar modes */
    u8 *vram;
    u32 vram_bytes;
    const Region *rom;              /* its BIOS, when that is loaded */
    u8 edid[EDID_BYTES];
    bool has_edid;
    Region lfb, window, mmio;
    Region ports[6];

    /* What is shown. */
    u32 *pixels;
    Surface surface;
    u32 colour[256];                /* the DAC as pixels; derived */
    VgaState seen;                  /* what the picture was drawn from, */
    u8 *seen_planes;                /* in a legacy mode; NULL: draw anyway */
    bool given;                     /* another scanout has the console (virtio-vga) */
} Vga;

/* Makes memory, regions and console.  Half made, it is fit for vga_close. */
bool vga_open(Vga *vga, Machine *machine, const char *name, u32 vram_mib, bool legacy,
              GError **err) must_check;
/*
 * The machine's screen in text mode is this one's, if it is the first: `rom` is the
 * device's expansion ROM.
 */
void vga_offer_text(Vga *vga, const Region *rom);
void vga_close(Vga *vga);
void vga_reset(Vga *vga);           /* after its state was set */
bool vga_loaded(Vga *vga, GError **err) must_check;
void vga_set_edid(Vga *vga, const EdidInfo *info);

/* Brings the console's surface up to date. */
void vga_update(Vga *vga);

/* ---- between the files ---- */

/* Video memory that is guest RAM, for whoever has some (ramfb has not). */
u8 *video_ram_new(Machine *machine, const char *name, u64 bytes, Region *alias,
                  GError **err) must_check;

extern const RegionOps vga_port_ops[], vga_window_ops, vga_mmio_ops, vbe_port_ops;
u8 vga_port_read(Vga *vga, u16 port);
void vga_port_write(Vga *vga, u16 port, u8 value);

u16 vbe_read(const Vga *vga);
void vbe_write(Vga *vga, u16 value);
bool vbe_check(const Vga *vga);     /* the registers of a restored state */

static inline bool vbe_on(const Vga *vga)
{
    return vga->state.vbe[VBE_ENABLE] & VBE_ON;
}

/* Bytes of a line; 4 bits per pixel are four planes of one. */
static inline u32 vbe_pitch(const Vga *vga)
{
    u32 bpp = vga->state.vbe[VBE_BPP];

    return vga->state.vbe[VBE_VIRT_WIDTH] * (bpp == 15 ? 16 : bpp) / 8;
}

/* vga_draw.c: shows a picture of this size from now on; its pixels are black. */
void vga_set_size(Vga *vga, u32 width, u32 height);
/* Puts a line into the picture; grows `damage` if it is another one than before. */
void vga_put_line(Vga *vga, u32 y, const u32 *line, Rect *damage);
u32 vga_attribute_colour(const Vga *vga, unsigned i);   /* through ar[] and the DAC */

bool vga_start_text(void *vga);     /* vga_bios.c; Machine.start_text */

/* vga_text.c */
void vga_text_size(const Vga *vga, u32 *width, u32 *height);
void vga_draw_text(Vga *vga, Rect *damage);

#endif

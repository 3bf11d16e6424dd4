/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu, inside: what its files share.
 *
 *     gpu.c            the devices, queues, configuration space
 *     gpu_command.c    from a chain to a command and its answer
 *     gpu_2d.c         the commands
 *     gpu_resource.c   resources: pixels on the host, pages of the guest
 *     gpu_scanout.c    what the consoles show
 *     gpu_state.c      saving and restoring resources
 *     gpu_gl.c ...     3D: see gpu_gl.h
 *
 * A 2D resource has its pixels in host memory; the driver copies from its own pages
 * into it (transfer) and says when that shall be seen (flush).  A blob resource has no
 * copy: a flush reads the guest's pages.  All sizes are judged when a resource is made,
 * all rectangles when they are used.  Under the machine lock.
 */

#ifndef HW_VIRTIO_GPU_H
#define HW_VIRTIO_GPU_H

#include "hw/display/vga.h"
#include "hw/virtio/gpu_wire.h"
#include "hw/virtio/virtio.h"
#include "ui/console.h"

typedef struct {
    gpa at;
    u64 first;                      /* of its bytes in the resource */
    u32 bytes;
} GpuPages;

typedef struct {
    u32 id, format, width, height;
    u32 *pixels;                    /* as the driver lays them out; NULL: a blob */
    u64 bytes;                      /* of the pixels, or of the blob */
    u64 charged;                    /* host memory that is counted for it */
    GpuPages *pages;
    u32 n_pages;
    bool gl;                        /* the renderer has its pixels */
    u64 serial;                     /* of those with this id */
    GpuCreate3d create;             /* how the renderer made it */
    u32 blob, blob_flags;           /* GPU_BLOB_...; 0: it is no blob */
    bool venus;                     /* memory of a Vulkan context's */
    struct GpuMapping *mapping;     /* NULL: the guest does not see its memory */
} GpuResource;

#define GPU_CONFIG_ROWS GPU_CONFIG_ROWS_(256ull << 20)
#define GPU_GL_CONFIG_ROWS GPU_CONFIG_ROWS_(4ull << 30),                            \
    (u64,  hostmem, "address space for blobs of the renderer's that the guest sees " \
           "as memory; 0: it sees none", .def = 256 << 20, .max = 1ull << 36,       \
           .is_size = true),                                                        \
    (bool, isolated, "draw in a confined process, whose crash ends 3D only"),       \
    (bool, venus, "offer Vulkan, done by virgl_render_server"),                     \
    (u32,  watchdog, "seconds after which an isolated renderer, or Vulkan's, that " \
           "does not get on is ended; 0: never", .def = 20, .max = 3600)
#define GPU_CONFIG_ROWS_(hostmem)                                                   \
    (u32,  max_outputs, "displays", .def = 1, .min = 1, .max = GPU_SCANOUTS),       \
    (u32,  xres,  "pixels across that the first display likes best", .def = 1280,   \
           .min = 64, .max = SURFACE_MAX),                                          \
    (u32,  yres,  "lines that it likes best", .def = 800, .min = 64,                \
           .max = SURFACE_MAX),                                                     \
    (bool, edid,  "tell what the displays can do", .def = 1),                       \
    (u8,   blob,  "offer resources that are memory; auto: with 3D, if it is not "   \
           "isolated", .names = gpu_blob_names),                                    \
    (u64,  max_hostmem, "host memory for resources, at most", .def = hostmem,       \
           .min = 16 << 20, .max = 1ull << 40, .is_size = true)

#define GPU_STATE_ROWS                                                              \
    (u32[GPU_SCANOUTS], width,    "pixels across that the user's window has"),      \
    (u32[GPU_SCANOUTS], height,   "lines of it; 0: the display is off"),            \
    (u32[GPU_SCANOUTS], resource, "resource that is shown; 0: none"),               \
    (u32[GPU_SCANOUTS], x,        "left of what is shown of it"),                   \
    (u32[GPU_SCANOUTS], y,        "top"),                                           \
    (u32[GPU_SCANOUTS], w,        "pixels across"),                                 \
    (u32[GPU_SCANOUTS], h,        "lines"),                                         \
    (u32[GPU_SCANOUTS], format,   "of a blob's pixels"),                            \
    (u32[GPU_SCANOUTS], stride,   "of a blob's lines, bytes"),                      \
    (u32[GPU_SCANOUTS], offset,   "of its first pixel, bytes"),                     \
    (u32[GPU_SCANOUTS], cursor,   "resource of the pointer; 0: none"),              \
    (u32[GPU_SCANOUTS], cursor_x, "where the pointer is"),                          \
    (u32[GPU_SCANOUTS], cursor_y, "where the pointer is"),                          \
    (u32[GPU_SCANOUTS], hot_x,    "point of the pointer that points"),              \
    (u32[GPU_SCANOUTS], hot_y,    "point of the pointer that points"),              \
    (u32, events,                 "events the driver has not cleared", .max = 1)

enum { GPU_BLOB_AUTO, GPU_BLOB_OFF, GPU_BLOB_ON };
typedef struct { FOR_EACH(MEMBER_, GpuConfig, GPU_GL_CONFIG_ROWS) } GpuConfig;
STATE_STRUCT(GpuState, GPU_STATE_ROWS);

typedef struct Gpu Gpu;

typedef struct {
    Gpu *gpu;
    unsigned n;
    Console *console;
    Surface surface;
    u32 *copy;                      /* pixels, where the resource's can't be shown */
} GpuScanout;

struct Gpu {
    VirtioDevice virtio;
    GpuConfig config;
    GpuState state;
    GHashTable *resources;          /* id -> GpuResource */
    u64 host_bytes;                 /* charged for all resources */
    GpuScanout scanout[GPU_SCANOUTS];
    Vga *vga;                       /* virtio-vga's: shows until the driver does */
    struct GpuGl *gl;               /* NULL: it has no 3D */
};

/* gpu_command.c */
typedef struct {
    Chain *chain;
    GpuHeader header;
    GpuBody in;
    union { GpuDisplayInfo info; GpuEdid edid; GpuCapsetInfo capset; } out;
    size_t out_bytes;
} GpuRequest;

typedef struct {
    u32 type;
    u32 bytes;                      /* behind the header */
    u32 (*run)(Gpu *gpu, GpuRequest *request);      /* the answer's type */
} GpuCommand;

void gpu_control(VirtioDevice *virtio, Chain *chain);
void gpu_cursor(VirtioDevice *virtio, Chain *chain);
const GpuCommand *gpu_command_find(const GpuCommand *table, u32 type);  /* or NULL */
/* Runs it (NULL: there is no such command) and completes the chain. */
void gpu_serve(Gpu *gpu, const GpuCommand *command, GpuRequest *request);
/*
 * The header of an answer of this type, and what stands behind it; `out` may be NULL.
 */
void gpu_answer(Gpu *gpu, Chain *chain, const GpuHeader *asked, u32 type,
                const void *out, size_t bytes);

/* gpu_2d.c: end with a type of 0. */
extern const GpuCommand gpu_commands_2d[], gpu_commands_cursor[];
u32 gpu_get_display_info(Gpu *gpu, GpuRequest *request);
u32 gpu_get_edid(Gpu *gpu, GpuRequest *request);
/* The entries behind a command; NULL: too many, or not there. */
GpuPages *gpu_get_pages(Chain *chain, u32 n);

/* gpu_resource.c */
bool gpu_format_known(u32 format);
bool gpu_format_native(u32 format);     /* as a Surface has its pixels */
/* Turns a line of `n` pixels of that format into a Surface's. */
void gpu_convert(u32 format, const u32 *from, u32 *to, u32 n);
GpuResource *gpu_resource(Gpu *gpu, u32 id);            /* NULL: there is none */
/* NULL and the answer's type in *error. */
GpuResource *gpu_resource_2d(Gpu *gpu, const GpuCreate2d *create, u32 *error);
GpuResource *gpu_resource_blob(Gpu *gpu, u32 id, u64 bytes, u32 *error);
/* One that the renderer shall make; `bytes` are charged. */
GpuResource *gpu_resource_gl(Gpu *gpu, u32 id, u64 bytes, u32 *error);
/* Takes the array over; false (and it is freed): more host memory than is allowed. */
bool gpu_resource_attach(Gpu *gpu, GpuResource *r, GpuPages *pages, u32 n) must_check;
void gpu_resource_detach(Gpu *gpu, GpuResource *r);
void gpu_resource_free(Gpu *gpu, GpuResource *r);
void gpu_resources_free(Gpu *gpu);
/*
 * Bytes of the guest's pages, or of what it has mapped; what is not there stays as it
 * is.
 */
void gpu_resource_read(const Gpu *gpu, const GpuResource *r, u64 offset, void *to,
                       u64 n);
u64 gpu_resource_backed(const GpuResource *r);          /* bytes of its pages */
/* False: it is the renderer's, and the guest does not see it. */
bool gpu_resource_readable(const GpuResource *r);

/* gpu_scanout.c */
void gpu_consoles_blank(Gpu *gpu);      /* whatever the state says */
void gpu_scanouts_open(Gpu *gpu);
void gpu_scanouts_close(Gpu *gpu);
/* Shows what the state says; false: it can't be. */
bool gpu_scanout_show(Gpu *gpu, unsigned n);
void gpu_scanout_off(Gpu *gpu, unsigned n);
/* What the state says of a scanout that a driver gives (5.7.6.8); nothing is shown. */
void gpu_scanout_place(GpuState *s, const GpuSetScanout *in);
void gpu_scanout_place_blob(GpuState *s, const GpuScanoutBlob *in);
void gpu_scanout_flush(Gpu *gpu, const GpuResource *r, const GpuRect *rect);
bool gpu_cursor_show(Gpu *gpu, unsigned n);
void gpu_cursor_move(Gpu *gpu, unsigned n);

/* gpu_state.c */
void gpu_save_more(Device *dev, GByteArray *out);
bool gpu_load_more(Device *dev, const u8 *data, size_t n, GError **err);
/* `n` pages, of which there are this many bytes at most; NULL: not as many. */
GpuPages *gpu_load_pages(u32 n, const u8 **data, size_t *left);
void gpu_save_pages(const GpuResource *r, GByteArray *out);

static inline Gpu *gpu_of(Device *dev)
{
    return container_of(dev, Gpu, virtio.device);
}

static inline bool gpu_rect_fits(const GpuRect *r, u32 width, u32 height)
{
    return r->x <= width && r->y <= height && r->width <= width - r->x &&
           r->height <= height - r->y;
}

#endif

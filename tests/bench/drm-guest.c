/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drm-guest N: in a guest, a picture as large as the first display of /dev/dri/card0
 * wants, of which all is said to have changed N times, and a few lines have.  The
 * times are the host's, by the lines "bench 2d begin" and "bench 2d end".
 *
 * The kernel's interface as include/uapi/drm/drm_mode.h has it.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

typedef struct {
    uint64_t fbs, crtcs, connectors, encoders;
    uint32_t n_fbs, n_crtcs, n_connectors, n_encoders, limits[4];
} Resources;

typedef struct {
    uint32_t clock;
    uint16_t hdisplay, h[4], vdisplay, v[4];
    uint32_t refresh, flags, type;
    char name[32];
} Mode;

typedef struct {
    uint64_t encoders, modes, props, values;
    uint32_t n_modes, n_props, n_encoders, encoder, id, type, type_id, connection,
        mm[2], subpixel, pad;
} Connector;

typedef struct {
    uint64_t connectors;
    uint32_t n_connectors, id, fb, x, y, gamma, mode_valid;
    Mode mode;
} Crtc;

typedef struct { uint32_t height, width, bpp, flags, handle, pitch; uint64_t size; } Dumb;
typedef struct { uint32_t handle, pad; uint64_t offset; } Map;
typedef struct { uint32_t id, width, height, pitch, bpp, depth, handle; } Fb;
typedef struct { uint32_t fb, flags, color, n_clips; uint64_t clips; } Dirty;

static int card;

static void ask(unsigned number, void *what, size_t bytes, const char *name)
{
    if (ioctl(card, _IOC(_IOC_READ | _IOC_WRITE, 'd', number, bytes), what) < 0) {
        perror(name);
        exit(1);
    }
}

#define ASK(number, what) ask(number, &(what), sizeof(what), #what)

static Mode mode_of(uint32_t connector)
{
    static Mode modes[64];
    Connector c = { .modes = (uintptr_t)modes, .n_modes = 64, .id = connector };
    Connector first = { .id = connector };

    ASK(0xa7, first);
    c.n_modes = first.n_modes < 64 ? first.n_modes : 64;
    ASK(0xa7, c);
    return modes[0];
}

int main(int argc, char **argv)
{
    uint32_t crtcs[8], connectors[8], fbs[8], encoders[8];
    Resources all = { (uintptr_t)fbs, (uintptr_t)crtcs, (uintptr_t)connectors,
                      (uintptr_t)encoders, 8, 8, 8, 8, { 0 } };
    int n = argc > 1 ? atoi(argv[1]) : 100;
    uint32_t *pixels;

    card = open("/dev/dri/card0", O_RDWR);
    ASK(0xa0, all);
    Mode mode = mode_of(connectors[0]);
    Dumb dumb = { mode.vdisplay, mode.hdisplay, 32, 0, 0, 0, 0 };
    ASK(0xb2, dumb);
    Fb fb = { 0, dumb.width, dumb.height, dumb.pitch, 32, 24, dumb.handle };
    ASK(0xae, fb);
    Map map = { dumb.handle, 0, 0 };
    ASK(0xb3, map);
    pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, map.offset);
    memset(pixels, 0x40, dumb.size);
    Crtc crtc = { (uintptr_t)connectors, 1, crtcs[0], fb.id, 0, 0, 0, 1, mode };
    ASK(0xa2, crtc);
    printf("drm: %ux%u\nbench 2d begin\n", dumb.width, dumb.height);
    fflush(stdout);
    for (int i = 0; i < n; i++) {
        Dirty dirty = { fb.id, 0, 0, 0, 0 };

        memset((char *)pixels + dumb.pitch * (i % dumb.height), i, dumb.pitch);
        ASK(0xb1, dirty);
    }
    printf("bench 2d end %d\n", n);
    fflush(stdout);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A renderer that draws nothing, at once: for tests of virtio-gpu-gl that are not about
 * GL.  It notes what it is asked, and answers what it is told to.
 */

#ifndef TESTS_LIB_FAKE_RENDER_H
#define TESTS_LIB_FAKE_RENDER_H

#include "hw/virtio/gpu_render.h"

extern const RenderModule fake_render;

typedef struct {
    u32 answer;                     /* to whatever comes; 0: GPU_OK */
    bool hold;                      /* nothing ends */
    u32 pixel;                      /* of all pictures that are saved; 0: they are empty */
    u32 last, contexts, resets;     /* type of the newest job; CTX_CREATE; RESET */
    u64 jobs;
} FakeRender;

extern FakeRender fake_render_state;

/* virtio-gpu-gl uses it from now on. */
void fake_render_install(void);

#endif

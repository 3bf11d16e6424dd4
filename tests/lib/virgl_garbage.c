/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of 3D contexts with wrong contents: see virgl_garbage.h. */

#include "tests/lib/virgl_garbage.h"

#include "hw/virtio/gpu_gl_record.h"

#include <string.h>

enum { IDS = 6 };

static u32 *word;
static unsigned n_words, n_max;

static void put(u32 value)
{
    if (n_words < n_max) {
        word[n_words++] = value;
    }
}

/* virgl_protocol.h: what a command has behind its word. */
static const struct { u8 command, object, words, more; } shapes[] = {
    { VIRGL_CREATE_OBJECT, VIRGL_BLEND, 11, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_RASTERIZER, 9, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_DSA, 5, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_SHADER, 5, 24 },
    { VIRGL_CREATE_OBJECT, VIRGL_VERTEX_ELEMENTS, 1, 4 },
    { VIRGL_CREATE_OBJECT, VIRGL_SAMPLER_VIEW, 6, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_SAMPLER_STATE, 9, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_SURFACE, 5, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_SURFACE, 5, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_QUERY, 4, 0 },
    { VIRGL_CREATE_OBJECT, VIRGL_STREAMOUT_TARGET, 4, 0 },
    { VIRGL_BIND_OBJECT, VIRGL_BLEND, 1, 0 },
    { VIRGL_BIND_OBJECT, VIRGL_VERTEX_ELEMENTS, 1, 0 },
    { VIRGL_DESTROY_OBJECT, VIRGL_SURFACE, 1, 0 },
    { VIRGL_SET_VIEWPORT, 0, 1, 6 }, { VIRGL_SET_FRAMEBUFFER, 0, 2, 1 },
    { VIRGL_SET_VERTEX_BUFFERS, 0, 0, 3 }, { VIRGL_CLEAR, 0, 8, 0 },
    { VIRGL_DRAW, 0, 12, 0 }, { VIRGL_INLINE_WRITE, 0, 11, 16 },
    { VIRGL_SET_SAMPLER_VIEWS, 0, 2, 1 }, { VIRGL_SET_INDEX_BUFFER, 0, 3, 0 },
    { VIRGL_SET_CONSTANTS, 0, 2, 4 }, { VIRGL_SET_STENCIL_REF, 0, 1, 0 },
    { VIRGL_SET_BLEND_COLOR, 0, 4, 0 }, { VIRGL_SET_SCISSOR, 0, 1, 2 },
    { VIRGL_BLIT, 0, 21, 0 }, { VIRGL_COPY_REGION, 0, 13, 0 },
    { VIRGL_BIND_SAMPLERS, 0, 2, 1 }, { VIRGL_BEGIN_QUERY, 0, 1, 0 },
    { VIRGL_END_QUERY, 0, 1, 0 }, { VIRGL_GET_QUERY_RESULT, 0, 2, 0 },
    { VIRGL_SET_STIPPLE, 0, 32, 0 }, { VIRGL_SET_CLIP, 0, 32, 0 },
    { VIRGL_SET_SAMPLE_MASK, 0, 1, 0 }, { VIRGL_SET_STREAMOUT, 0, 1, 1 },
    { VIRGL_SET_RENDER_CONDITION, 0, 3, 0 }, { VIRGL_SET_UNIFORM_BUFFER, 0, 5, 0 },
    { VIRGL_SET_SUB_CTX, 0, 1, 0 }, { VIRGL_CREATE_SUB_CTX, 0, 1, 0 },
    { VIRGL_DESTROY_SUB_CTX, 0, 1, 0 }, { VIRGL_BIND_SHADER, 0, 2, 0 },
    { VIRGL_SET_TESS, 0, 6, 0 }, { VIRGL_SET_MIN_SAMPLES, 0, 1, 0 },
    { VIRGL_SET_SHADER_BUFFERS, 0, 2, 3 }, { VIRGL_SET_SHADER_IMAGES, 0, 2, 5 },
    { VIRGL_MEMORY_BARRIER, 0, 1, 0 }, { VIRGL_LAUNCH_GRID, 0, 8, 0 },
    { VIRGL_SET_FRAMEBUFFER_EMPTY, 0, 2, 0 }, { VIRGL_TEXTURE_BARRIER, 0, 1, 0 },
    { VIRGL_SET_ATOMIC_BUFFERS, 0, 1, 3 }, { VIRGL_GET_QUERY_RESULT_QBO, 0, 6, 0 },
    { VIRGL_TRANSFER3D, 0, 13, 0 }, { VIRGL_COPY_TRANSFER3D, 0, 14, 0 },
    { VIRGL_SET_TWEAKS, 0, 2, 0 }, { VIRGL_CLEAR_TEXTURE, 0, 12, 0 },
    { VIRGL_RESOURCE_CREATE, 0, 11, 0 }, { VIRGL_GET_MEMORY_INFO, 0, 1, 0 },
    { VIRGL_LINK_SHADER, 0, 6, 0 },
};

static u32 value(Chance *chance)
{
    static const u32 floats[] = { 0, 0x3f800000, 0xbf800000, 0x42000000, 0x7f800000 };

    switch (chance_below(chance, 8)) {
    case 0:  return chance_next(chance);
    case 1:  return floats[chance_below(chance, G_N_ELEMENTS(floats))];
    case 2:  return chance_below(chance, 300);
    case 3:  return 1u << chance_below(chance, 32);
    default: return chance_below(chance, IDS + 2);
    }
}

/*
 * Handle, kind, bytes, tokens, no streamout; then text, whole or with a wrong letter.
 */
static void shader(Chance *chance)
{
    static const char *const texts[] = {
        "VERT\nDCL IN[0]\nDCL OUT[0], POSITION\nMOV OUT[0], IN[0]\nEND\n",
        "FRAG\nDCL OUT[0], COLOR\nIMM[0] FLT32 {1, 0, 0, 1}\nMOV OUT[0], IMM[0]\nEND\n",
        "FRAG\nDCL OUT[0], COLOR\nDCL TEMP[0]\nBGNLOOP\nENDLOOP\nEND\n",
    };
    u32 kind = chance_below(chance, G_N_ELEMENTS(texts));
    char text[128] = { 0 };
    u32 words;

    g_strlcpy(text, texts[kind], sizeof text);
    words = strlen(text) / 4 + 1;
    if (chance_one_in(chance, 3)) {
        text[chance_below(chance, strlen(text))] = chance_next(chance);
    }
    put(VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_SHADER, 5 + words));
    put(1 + chance_below(chance, IDS));
    put(chance_one_in(chance, 9) ? chance_below(chance, 6) : kind != 0);
    put(chance_one_in(chance, 9) ? chance_below(chance, 300) : words * 4);
    put(300);
    put(0);
    for (u32 i = 0; i < words; i++) {
        u32 word;

        memcpy(&word, text + i * 4, 4);
        put(word);
    }
}

unsigned virgl_garbage(Chance *chance, u32 *to, unsigned max)
{
    unsigned i;
    u32 words;

    word = to;
    n_words = 0;
    n_max = max;
    i = chance_below(chance, G_N_ELEMENTS(shapes));
    words = shapes[i].words + shapes[i].more * chance_below(chance, 5);

    if (shapes[i].object == VIRGL_SHADER && !chance_one_in(chance, 4)) {
        shader(chance);
        return n_words;
    }
    put(chance_one_in(chance, 50) ? chance_next(chance)
                                   : VIRGL_HEADER(shapes[i].command, shapes[i].object,
                                                  words));
    for (u32 k = 0; k < words; k++) {
        put(value(chance));
    }
    return n_words;
}

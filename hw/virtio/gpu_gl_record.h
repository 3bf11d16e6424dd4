/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a 3D context is, so that it can be made anew in another process.
 *
 * The renderer keeps a context's objects and state in the host's GL, which gives
 * neither back.  So the commands that made them are kept here as they pass: of each
 * live object the one that created it, of each piece of state the last one that set it.
 * A snapshot holds these commands, and the renderer that it is restored into gets them
 * as one stream: objects in the order they were made, then state in the order it was
 * set.  What has no such form (a query that runs, streamout) is said to be so.
 *
 *     context -- attached resources
 *        |
 *        +-- sub-context 0, 1 ...   (one per GL context of the guest's program)
 *               |-- objects         handle -> CREATE_OBJECT ...
 *               +-- state           (command, what of it) -> SET_...
 *
 * Commands are virgl's own (virgl_protocol.h): a word of command, object type and
 * length, then that many words.  They come from the guest: what is malformed is left
 * out here, since the renderer refuses it and gives the context up.
 *
 *     gpu_gl_rows.c     what each command leaves behind
 *     gpu_gl_record.c   keeps it
 *     gpu_gl_replay.c   makes the stream
 *
 * Under the machine lock.
 */

#ifndef HW_VIRTIO_GPU_GL_RECORD_H
#define HW_VIRTIO_GPU_GL_RECORD_H

#include "base/types.h"

enum {
    VIRGL_NOP, VIRGL_CREATE_OBJECT, VIRGL_BIND_OBJECT, VIRGL_DESTROY_OBJECT,
    VIRGL_SET_VIEWPORT, VIRGL_SET_FRAMEBUFFER, VIRGL_SET_VERTEX_BUFFERS, VIRGL_CLEAR,
    VIRGL_DRAW, VIRGL_INLINE_WRITE, VIRGL_SET_SAMPLER_VIEWS, VIRGL_SET_INDEX_BUFFER,
    VIRGL_SET_CONSTANTS, VIRGL_SET_STENCIL_REF, VIRGL_SET_BLEND_COLOR,
    VIRGL_SET_SCISSOR, VIRGL_BLIT, VIRGL_COPY_REGION, VIRGL_BIND_SAMPLERS,
    VIRGL_BEGIN_QUERY, VIRGL_END_QUERY, VIRGL_GET_QUERY_RESULT, VIRGL_SET_STIPPLE,
    VIRGL_SET_CLIP, VIRGL_SET_SAMPLE_MASK, VIRGL_SET_STREAMOUT,
    VIRGL_SET_RENDER_CONDITION, VIRGL_SET_UNIFORM_BUFFER, VIRGL_SET_SUB_CTX,
    VIRGL_CREATE_SUB_CTX, VIRGL_DESTROY_SUB_CTX, VIRGL_BIND_SHADER, VIRGL_SET_TESS,
    VIRGL_SET_MIN_SAMPLES, VIRGL_SET_SHADER_BUFFERS, VIRGL_SET_SHADER_IMAGES,
    VIRGL_MEMORY_BARRIER, VIRGL_LAUNCH_GRID, VIRGL_SET_FRAMEBUFFER_EMPTY,
    VIRGL_TEXTURE_BARRIER, VIRGL_SET_ATOMIC_BUFFERS, VIRGL_SET_DEBUG_FLAGS,
    VIRGL_GET_QUERY_RESULT_QBO, VIRGL_TRANSFER3D, VIRGL_END_TRANSFERS,
    VIRGL_COPY_TRANSFER3D, VIRGL_SET_TWEAKS, VIRGL_CLEAR_TEXTURE,
    VIRGL_RESOURCE_CREATE, VIRGL_RESOURCE_SET_TYPE, VIRGL_GET_MEMORY_INFO,
    VIRGL_STRING_MARKER, VIRGL_LINK_SHADER, VIRGL_COMMANDS,
};

enum {
    VIRGL_BLEND = 1, VIRGL_RASTERIZER, VIRGL_DSA, VIRGL_SHADER, VIRGL_VERTEX_ELEMENTS,
    VIRGL_SAMPLER_VIEW, VIRGL_SAMPLER_STATE, VIRGL_SURFACE, VIRGL_QUERY,
    VIRGL_STREAMOUT_TARGET, VIRGL_MSAA_SURFACE, VIRGL_OBJECTS,
};

#define VIRGL_HEADER(command, object, words) \
    ((u32)(command) | (u32)(object) << 8 | (u32)(words) << 16)

typedef enum { QUERY_IDLE, QUERY_RUNS, QUERY_ENDED, QUERY_ASKED } QueryState;

typedef struct {
    u64 serial;
    GArray *words;                  /* one command, or the parts of a long shader */
    u32 handle, resource;           /* resource 0: it has none */
    u64 resource_serial;
    u8 type;
    u8 query;                       /* QueryState */
} GlObject;

/* A command that sets state, as it would have to be given again. */
typedef struct {
    u64 serial;
    u32 n;                          /* words, the header's included */
    u32 *word;
} GlState;

typedef struct {
    u32 id;
    GHashTable *objects;            /* handle -> GlObject */
    GPtrArray *ghosts;              /* GlObject destroyed while they were bound */
    GHashTable *state;              /* key -> GlState */
    size_t kept;                    /* words */
} GlSub;

typedef struct {
    GPtrArray *subs;                /* GlSub; the first has id 0 */
    GlSub *now;
    GHashTable *attached;           /* resource -> its serial (u64 *) */
    u64 serial;                     /* of the newest command that was kept */
    size_t kept;                    /* words, of all sub-contexts */
    bool lost;                      /* the renderer has given the context up */
    const char *never;              /* why it can't be made anew, or NULL */
} GlRecord;

/* How a command is kept. */
typedef enum {
    KEEP_NOT,                       /* it leaves no state behind */
    KEEP_WHOLE,                     /* the last one with this key */
    KEEP_SLOTS,                     /* [shader,] first slot, slots: slot by slot */
    KEEP_OWN,                       /* code of its own */
    KEEP_NEVER,                     /* what it leaves behind can't be made anew */
} GlKeep;

/* Words are counted behind the header, from 0. */
typedef struct {
    GlKeep keep;
    u8 key, keys;                   /* KEEP_WHOLE: words that tell one from another */
    u8 by_shader, each, slots;      /* KEEP_SLOTS: words of a slot, slots at most */
    bool cuts;                      /* ... and what is behind the last one is empty */
    enum { NAMES_NOTHING, NAMES_OBJECTS, NAMES_RESOURCES, NAMES_REFUSED } names;
    u8 first, step;                 /* ... from this word on, each `step` words */
    u8 end;                         /* ... and before this one; 0: all */
    const char *why;                /* KEEP_NEVER, NAMES_REFUSED */
} GlCommandRow;

extern const GlCommandRow gl_command_rows[VIRGL_COMMANDS];

/* The words of a kept command that name objects or resources: calls f for each. */
typedef void GlName(void *opaque, u32 *name);
void gl_each_name(const GlCommandRow *row, u32 *words, u32 n, GlName *f, void *opaque);

GlRecord *gl_record_new(void);
void gl_record_free(GlRecord *record);
void gl_record_attach(GlRecord *record, u32 resource, u64 serial);
void gl_record_detach(GlRecord *record, u32 resource);
void gl_sub_prune(GlSub *sub);          /* ghosts that nothing uses any more */
/* The stream goes to the renderer. */
void gl_record_feed(GlRecord *record, const u32 *word, size_t n);

/* A query's result, in this resource, has been written. */
typedef bool GlAnswered(void *opaque, u32 resource);
/* NULL and the reason: it can't be made anew. */
GArray *gl_record_stream(GlRecord *record, GlAnswered *answered, void *opaque,
                         const char **why);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scanouts show: drawn into windows from the guest's texture itself, or read
 * back for those who need pixels.  See inside.h.
 *
 * Drawing happens on this thread, between two of the guest's commands, and takes at
 * most a quarter of its time: a guest that flushes faster is drawn less often, and the
 * newest picture always is.
 */

#include "hw/virtio/virgl/inside.h"

#include <epoxy/gl.h>
#include <virgl/virglrenderer.h>

enum { PERIOD_US = 8000 };

/* ---- reading back ---- */

static bool read_pixels(u32 resource, GpuBox *box, u32 *pixels)
{
    size_t line = box->w * 4ul;
    struct iovec iov = { pixels, line * box->h };

    return virgl_renderer_transfer_read_iov(resource, 0, 0, line, 0,
                                            (struct virgl_box *)box, 0, &iov, 1) == 0;
}

/* Part (x, y, w, h) of what a scanout shows, of which it is inside. */
static void add_picture(Renderer *r, RenderJob *job, u32 n, u32 x, u32 y, u32 w, u32 h)
{
    const Shown *shown = &r->shown[n];
    GpuBox box = { shown->rect.x + x, shown->rect.y + y, 0, w, h, 1 };
    RenderPicture picture = { n, x, y, w, h, g_try_malloc0((size_t)w * h * 4) };
    gint64 begin = g_get_monotonic_time();

    if (!picture.pixels || !read_pixels(shown->resource, &box, picture.pixels)) {
        g_free(picture.pixels);
        job->answer = GPU_ERR_OUT_OF_MEMORY;
        return;
    }
    if (!job->pictures) {
        job->pictures = g_array_new(false, false, sizeof picture);
    }
    g_array_append_val(job->pictures, picture);
    job->read_us += g_get_monotonic_time() - begin;
}

void shown_read(Renderer *r, RenderJob *job)
{
    const Shown *shown = &r->shown[job->scanout];

    if (shown->resource) {
        add_picture(r, job, job->scanout, 0, 0, shown->rect.width, shown->rect.height);
    }
}

void shown_read_cursor(Renderer *r, RenderJob *job)
{
    GpuBox box = { 0, 0, 0, GPU_CURSOR_SIZE, GPU_CURSOR_SIZE, 1 };

    job->bytes = (size_t)box.w * box.h * 4;
    job->data = g_malloc0(job->bytes);
    if (!read_pixels(job->in.id.resource, &box, (u32 *)job->data)) {
        job->answer = GPU_ERR_RESOURCE;
    }
}

/* ---- drawing ---- */

static const char vertex_text[] =
    "#version 330 core\n"
    "uniform vec4 place, part;\n"
    "out vec2 at;\n"
    "void main() {\n"
    "    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);\n"
    "    at = part.xy + corner * part.zw;\n"
    "    gl_Position = vec4(place.xy + corner * place.zw, 0.0, 1.0);\n"
    "}\n";
static const char fragment_text[] =
    "#version 330 core\n"
    "uniform sampler2D picture;\n"
    "uniform float opaque;\n"
    "in vec2 at;\n"
    "out vec4 color;\n"
    "void main() {\n"
    "    color = texture(picture, at);\n"
    "    color.a = max(color.a, opaque);\n"
    "}\n";

static void add_shader(unsigned program, unsigned kind, const char *text)
{
    unsigned shader = glCreateShader(kind);

    glShaderSource(shader, 1, &text, NULL);
    glCompileShader(shader);
    glAttachShader(program, shader);
    glDeleteShader(shader);
}

/* With our own context current. */
static void prepare(Renderer *r)
{
    if (!r->program) {
        r->program = glCreateProgram();
        add_shader(r->program, GL_VERTEX_SHADER, vertex_text);
        add_shader(r->program, GL_FRAGMENT_SHADER, fragment_text);
        glLinkProgram(r->program);
        glGenVertexArrays(1, &r->vertices);
        glGenSamplers(1, &r->sampler);
        glSamplerParameteri(r->sampler, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
        glSamplerParameteri(r->sampler, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    }
    glUseProgram(r->program);
    glBindVertexArray(r->vertices);
    glActiveTexture(GL_TEXTURE0);
    glBindSampler(0, r->sampler);
}

/* `place`: left, bottom, width, height, in a window from -1 to 1. */
static void draw(const Renderer *r, unsigned texture, const float *place,
                 const float *part, bool opaque)
{
    glBindTexture(GL_TEXTURE_2D, texture);
    glUniform4fv(glGetUniformLocation(r->program, "place"), 1, place);
    glUniform4fv(glGetUniformLocation(r->program, "part"), 1, part);
    glUniform1f(glGetUniformLocation(r->program, "opaque"), opaque);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
}

/*
 * Left, top, width, height in the window, 0 to 1: as large as can be, its shape kept.
 */
static void fit(const Shown *s, float *at)
{
    float across = (float)s->window.width / s->rect.width;
    float down = (float)s->window.height / s->rect.height, scale = MIN(across, down);

    at[2] = scale / across;
    at[3] = scale / down;
    at[0] = (1 - at[2]) / 2;
    at[1] = (1 - at[3]) / 2;
}

/* virglrenderer keeps resources with Y_0_TOP as GL has windows: the last line first. */
static void draw_picture(const Renderer *r, const Shown *s, const float *at,
                         const struct virgl_renderer_resource_info *info)
{
    float place[] = { 2 * at[0] - 1, 1 - 2 * (at[1] + at[3]), 2 * at[2], 2 * at[3] };
    float x = (float)s->rect.x / info->width, w = (float)s->rect.width / info->width;
    float y = (float)s->rect.y / info->height, h = (float)s->rect.height / info->height;
    float top_first[] = { x, y + h, w, -h }, bottom_first[] = { x, 1 - y - h, w, h };

    draw(r, info->tex_id, place,
         info->flags & GPU_CREATE_Y_0_TOP ? bottom_first : top_first, true);
}

static void draw_pointer(const Renderer *r, const Shown *s, const float *at)
{
    const RenderPointer *p = &s->pointer;
    float across = at[2] / s->rect.width, down = at[3] / s->rect.height;
    float left = at[0] + p->x * across, top = at[1] + p->y * down;
    float w = p->width * across, h = p->height * down;

    glEnable(GL_BLEND);
    glBlendFunc(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA);
    draw(r, s->pointer_texture,
         (float[]){ 2 * left - 1, 1 - 2 * (top + h), 2 * w, 2 * h },
         (float[]){ 0, 1, 1, -1 }, false);
    glDisable(GL_BLEND);
}

/* Pixel by pixel where the sizes are equal. */
static void choose_filter(const Renderer *r, const Shown *s)
{
    bool equal = s->window.width == s->rect.width && s->window.height == s->rect.height;
    int filter = equal ? GL_NEAREST : GL_LINEAR;

    glSamplerParameteri(r->sampler, GL_TEXTURE_MIN_FILTER, filter);
    glSamplerParameteri(r->sampler, GL_TEXTURE_MAG_FILTER, filter);
}

static void draw_window(Renderer *r, Shown *s)
{
    struct virgl_renderer_resource_info info = { 0 };
    float at[4];

    if (s->surface == EGL_NO_SURFACE || !s->resource || !s->window.width ||
        !s->window.height || virgl_renderer_resource_get_info(s->resource, &info) ||
        !info.width || !info.height || !egl_use(&r->egl, s->surface)) {
        return;
    }
    eglSwapInterval(r->egl.display, 0);
    prepare(r);
    choose_filter(r, s);
    glDrawBuffer(GL_BACK);              /* none where there was no window at first */
    glViewport(0, 0, s->window.width, s->window.height);
    glClearColor(0, 0, 0, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    fit(s, at);
    draw_picture(r, s, at, &info);
    if (s->window.draw_pointer && s->pointer.width) {
        draw_pointer(r, s, at);
    }
    eglSwapBuffers(r->egl.display, s->surface);
    virgl_renderer_force_ctx_0();
}

int shown_draw(Renderer *r)
{
    gint64 pause = -1;

    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        Shown *s = &r->shown[i];
        gint64 now = s->dirty ? g_get_monotonic_time() : 0, after;

        if (s->dirty && now >= s->due) {
            s->dirty = false;
            draw_window(r, s);
            after = g_get_monotonic_time();
            s->due = MAX(now + PERIOD_US, after + 3 * (after - now));
        } else if (s->dirty) {
            pause = pause < 0 ? s->due - now : MIN(pause, s->due - now);
        }
    }
    return pause < 0 ? -1 : pause / 1000 + 1;
}

/* ---- jobs ---- */

void shown_set(Renderer *r, const RenderJob *job)
{
    const GpuSetScanout *in = &job->in.scanout;
    Shown *s = &r->shown[in->scanout];

    s->resource = in->resource;
    s->rect = in->rect;
    s->dirty = s->surface != EGL_NO_SURFACE;
}

void shown_flush(Renderer *r, RenderJob *job)
{
    const GpuRect *rect = &job->in.flush.rect;

    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        Shown *s = &r->shown[i];
        u32 left = MAX(rect->x, s->rect.x), top = MAX(rect->y, s->rect.y);
        u64 right = MIN((u64)rect->x + rect->width, (u64)s->rect.x + s->rect.width);
        u64 bottom = MIN((u64)rect->y + rect->height, (u64)s->rect.y + s->rect.height);

        if (s->resource != job->in.flush.resource || right <= left || bottom <= top) {
            continue;
        }
        s->dirty = s->surface != EGL_NO_SURFACE;
        if (job->want & 1u << i) {
            add_picture(r, job, i, left - s->rect.x, top - s->rect.y, right - left,
                        bottom - top);
        }
    }
}

static void drop_surface(Renderer *r, Shown *s)
{
    if (s->surface != EGL_NO_SURFACE) {
        egl_use(&r->egl, EGL_NO_SURFACE);
        eglDestroySurface(r->egl.display, s->surface);
        virgl_renderer_force_ctx_0();
    }
    s->surface = EGL_NO_SURFACE;
}

void shown_window(Renderer *r, RenderJob *job)
{
    Shown *s = &r->shown[job->scanout];

    if (s->window.id != job->window.id) {
        drop_surface(r, s);
        if (job->window.id) {
            s->surface = eglCreateWindowSurface(
                r->egl.display, r->egl.window_config, job->window.id, NULL);
            job->answer = s->surface == EGL_NO_SURFACE ? GPU_ERR_UNSPEC : GPU_OK;
        }
    }
    s->window = job->window;
    s->dirty = s->surface != EGL_NO_SURFACE;
}

void shown_pointer(Renderer *r, RenderJob *job)
{
    Shown *s = &r->shown[job->scanout];
    RenderPointer *p = &job->pointer;

    if (!p->has_image) {
        p->width = s->pointer.width;
        p->height = s->pointer.height;
    } else if (p->width) {
        egl_use(&r->egl, EGL_NO_SURFACE);
        if (!s->pointer_texture) {
            glGenTextures(1, &s->pointer_texture);
        }
        glBindTexture(GL_TEXTURE_2D, s->pointer_texture);
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, p->width, p->height, 0, GL_BGRA,
                     GL_UNSIGNED_INT_8_8_8_8_REV, job->data);
        virgl_renderer_force_ctx_0();
    }
    s->pointer = *p;
    s->dirty |= s->window.draw_pointer;
}

void shown_forget(Renderer *r, u32 resource)
{
    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        if (!resource || r->shown[i].resource == resource) {
            r->shown[i].resource = 0;
        }
    }
}

void shown_close(Renderer *r)
{
    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        drop_surface(r, &r->shown[i]);
    }
}

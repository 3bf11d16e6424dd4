/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's program for tests/ui/gl-blob.sh: buffers that stay mapped while the GPU
 * uses them (EXT_buffer_storage, persistent and coherent), which Mesa's virgl driver
 * has only where the device shows the host's memory.
 *
 * What the CPU writes through the mapping the GPU copies elsewhere, and what the GPU
 * copies there the CPU reads; no command moves the bytes.  Once per line of its input,
 * each time with other bytes, and before that it looks whether all are as they were.
 */

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES3/gl31.h>
#include <GLES2/gl2ext.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 20, BUFFERS = 4 };

static PFNGLBUFFERSTORAGEEXTPROC buffer_storage;

typedef struct {
    GLuint name;
    unsigned char *at;
} Mapped;

static void die(const char *what)
{
    printf("blob: %s: EGL 0x%x, GL 0x%x\n", what, eglGetError(), glGetError());
    exit(1);
}

static void begin(void)
{
    static const EGLint wanted[] = { EGL_CONTEXT_MAJOR_VERSION, 3,
                                     EGL_CONTEXT_MINOR_VERSION, 1, EGL_NONE };
    EGLDisplay display = eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA,
                                               EGL_DEFAULT_DISPLAY, NULL);
    EGLContext context;

    if (!eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_ES_API)) {
        die("no EGL");
    }
    context = eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, wanted);
    if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
        die("no context");
    }
    printf("blob: %s\n", glGetString(GL_RENDERER));
    buffer_storage =
        (PFNGLBUFFERSTORAGEEXTPROC)eglGetProcAddress("glBufferStorageEXT");
    if (!strstr((const char *)glGetString(GL_EXTENSIONS), "GL_EXT_buffer_storage") ||
        !buffer_storage) {
        die("no EXT_buffer_storage");
    }
}

static Mapped make(void)
{
    GLbitfield flags = GL_MAP_READ_BIT | GL_MAP_WRITE_BIT | GL_MAP_PERSISTENT_BIT_EXT |
                       GL_MAP_COHERENT_BIT_EXT;
    Mapped m;

    glGenBuffers(1, &m.name);
    glBindBuffer(GL_COPY_WRITE_BUFFER, m.name);
    buffer_storage(GL_COPY_WRITE_BUFFER, BYTES, NULL, flags);
    m.at = glMapBufferRange(GL_COPY_WRITE_BUFFER, 0, BYTES, flags);
    if (!m.at) {
        die("no mapping");
    }
    return m;
}

static unsigned char pattern(unsigned round, unsigned i)
{
    return i * 31 + i / 4096 * 7 + round * 13 + 1;
}

static void copy(GLuint from, GLuint to)
{
    glBindBuffer(GL_COPY_READ_BUFFER, from);
    glBindBuffer(GL_COPY_WRITE_BUFFER, to);
    glCopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0, BYTES);
    glFinish();
}

/* The first one's bytes go through all of them; the CPU looks at each. */
static void go_round(Mapped *mapped, unsigned round)
{
    for (unsigned i = 0; i < BYTES; i++) {
        mapped[0].at[i] = pattern(round, i);
    }
    for (unsigned n = 1; n < BUFFERS; n++) {
        copy(mapped[n - 1].name, mapped[n].name);
    }
    for (unsigned n = 0; n < BUFFERS; n++) {
        for (unsigned i = 0; i < BYTES; i++) {
            if (mapped[n].at[i] != pattern(round, i)) {
                printf("blob: round %u, buffer %u, byte %u: 0x%x\n", round, n, i,
                       mapped[n].at[i]);
                exit(1);
            }
        }
    }
}

/* Still there, seen by the CPU and by the GPU. */
static void look(Mapped *mapped, unsigned round)
{
    for (unsigned n = 0; n < BUFFERS; n++) {
        Mapped fresh = make();

        copy(mapped[n].name, fresh.name);
        if (memcmp(fresh.at, mapped[n].at, BYTES) || fresh.at[5] != pattern(round, 5) ||
            fresh.at[BYTES - 1] != pattern(round, BYTES - 1)) {
            printf("blob: buffer %u has changed since round %u\n", n, round);
            exit(1);
        }
        glDeleteBuffers(1, &fresh.name);
    }
}

int main(void)
{
    Mapped mapped[BUFFERS];
    char line[16];

    setvbuf(stdout, NULL, _IOLBF, 0);
    begin();
    for (unsigned n = 0; n < BUFFERS; n++) {
        mapped[n] = make();
    }
    for (unsigned round = 0; ; round++) {
        go_round(mapped, round);
        printf("blob: round %u good\n", round);
        if (!fgets(line, sizeof line, stdin)) {
            return 0;
        }
        look(mapped, round);
    }
}

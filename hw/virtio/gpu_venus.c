/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vulkan for guests (venus=on): virglrenderer's own program does it, in a process for
 * each context, so that what a guest does wrong ends its context alone.  It is started
 * here, and what it says goes where the machine's errors go.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/spawn.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const programs[] = {
    "/usr/libexec/virgl_render_server",
    "/usr/local/libexec/virgl_render_server",
};

static const char *find_program(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(programs); i++) {
        if (access(programs[i], X_OK) == 0) {
            return programs[i];
        }
    }
    return NULL;
}

int gpu_venus_start(GpuGl *gl, GError **err)
{
    const char *program = find_program();
    char *argv[] = { (char *)program, "--socket-fd", G_STRINGIFY(SPAWN_SOCKET), NULL };
    int pair[2], error = ENOENT;

    if (program) {
        error = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ? errno
                                                                              : 0;
    }
    if (!error) {
        error = spawn_with_socket(argv, pair[1], &gl->venus);
        close(pair[1]);
        if (error) {
            close(pair[0]);
        }
    }
    if (error) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(error),
                    "venus=on: %s: %s (package virgl-server)",
                    program ? program : programs[0], g_strerror(error));
        gl->venus = 0;
        return -1;
    }
    return pair[0];
}

/* And the contexts' processes, which are of its group. */
void gpu_venus_end(GpuGl *gl)
{
    if (gl->venus) {
        kill(-gl->venus, SIGKILL);
        waitpid(gl->venus, NULL, 0);
        gl->venus = 0;
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The isolated renderer's process, its start and its end: see gpu_isolated.h.  It is
 * the program mayfly-gpu, which stands beside the modules; it gets a socket and the
 * way to the machine's error output, and nothing else of this process.
 */

#include "hw/virtio/gpu_isolated.h"

#include "base/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 30000, CAPSET_MAX = 1 << 16 };

/* All `n` bytes, before the time is up. */
static bool receive(int socket, void *to, size_t n)
{
    struct pollfd fd = { .fd = socket, .events = POLLIN };
    ssize_t got;

    for (size_t at = 0; at < n; at += got) {
        if (poll(&fd, 1, START_MS) <= 0) {
            return false;
        }
        got = recv(socket, (u8 *)to + at, n - at, 0);
        if (got <= 0) {
            return false;
        }
    }
    return true;
}

/* The first time they are taken; a later process must have the same. */
static bool receive_capsets(Renderer *r, const IsolatedHello *hello)
{
    for (unsigned i = 0; i < GPU_CAPSETS; i++) {
        RenderCapset *c = &r->capset[i];
        u32 bytes = hello->capset[i].bytes;
        g_autofree u8 *data = bytes <= CAPSET_MAX ? g_malloc0(MAX(bytes, 1)) : NULL;

        if (!data || !receive(r->socket, data, bytes) ||
            (c->data && (c->bytes != bytes || memcmp(c->data, data, bytes) != 0))) {
            return false;
        }
        if (!c->data) {
            *c = (RenderCapset){ hello->capset[i].id, hello->capset[i].version, bytes,
                                 g_steal_pointer(&data) };
        }
    }
    return true;
}

static bool greet(Renderer *r, char **why)
{
    IsolatedStart start = { .magic = ISOLATED_MAGIC };
    IsolatedHello hello;

    g_strlcpy(start.render_node, r->render_node ? r->render_node : "",
              sizeof start.render_node);
    if (send(r->socket, &start, sizeof start, MSG_NOSIGNAL) != sizeof start ||
        !receive(r->socket, &hello, sizeof hello) || hello.magic != ISOLATED_MAGIC) {
        g_autofree char *how = isolated_end(r, false);

        *why = g_strdup_printf("%s %s", r->program, how ? how : "says nothing");
        return false;
    }
    hello.name[sizeof hello.name - 1] = hello.where[sizeof hello.where - 1] = 0;
    if (!hello.good) {
        *why = g_strdup(hello.name);
    } else if (!receive_capsets(r, &hello)) {
        *why = g_strdup("the renderer is another one than before");
    } else {
        r->hello = hello;
    }
    return !*why;
}

bool isolated_start(Renderer *r, char **why)
{
    int pair[2], error;
    pid_t pid;

    *why = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        *why = g_strdup_printf("no socket: %s", g_strerror(errno));
        return false;
    }
    error = spawn_with_socket((char *[]){ r->program, NULL }, pair[1], &pid);
    close(pair[1]);
    if (error) {
        close(pair[0]);
        *why = g_strdup_printf("%s: %s", r->program, g_strerror(error));
        return false;
    }
    r->socket = pair[0];
    r->pid = pid;
    if (!greet(r, why)) {
        g_free(isolated_end(r, true));
        return false;
    }
    return true;
}

/* What it ended with; NULL: it has not. */
static char *how_it_ended(int pid)
{
    int status;

    for (unsigned ms = 0; ms < 500; ms++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return WIFSIGNALED(status)
                   ? g_strdup_printf("was ended by signal %d (%s)", WTERMSIG(status),
                                     strsignal(WTERMSIG(status)))
                   : g_strdup_printf("ended with status %d", WEXITSTATUS(status));
        }
        g_usleep(1000);
    }
    return NULL;
}

char *isolated_end(Renderer *r, bool now)
{
    char *how = r->pid > 0 && !now ? how_it_ended(r->pid) : NULL;

    if (r->pid > 0 && !how) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    if (r->socket >= 0) {
        close(r->socket);
    }
    r->socket = r->pid = -1;
    return how;
}

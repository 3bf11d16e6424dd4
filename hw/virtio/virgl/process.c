/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-gpu: the renderer in a process of its own (isolated=on), started by the
 * machine with a socket as descriptor 3: see hw/virtio/gpu_isolated_wire.h.
 *
 * It is the module's renderer behind that socket: the renderer's thread itself takes
 * messages off it and sends its answers.  Before the first job the process gives up all
 * rights that it does not need (confine.c).  It ends with the socket.
 */

#include "hw/virtio/gpu_isolated_wire.h"
#include "hw/virtio/virgl/confine.h"
#include "hw/virtio/virgl/inside.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

extern const RenderModule gpu_renderer;

typedef struct { void *at; size_t bytes; } Shared;

static GMutex sending;              /* complaints may come from any thread */
static bool greeted;                /* under `sending`; they are dropped before */
static GHashTable *shared;          /* resource -> Shared */

/* ---- the socket ---- */

static void send_all(const void *data, size_t n)
{
    ssize_t sent;

    for (size_t at = 0; at < n; at += sent) {
        sent = send(ISOLATED_SOCKET, (const u8 *)data + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            _exit(0);                   /* the machine is gone */
        }
    }
}

static void receive_all(void *to, size_t n)
{
    if (n && recv(ISOLATED_SOCKET, to, n, MSG_WAITALL) != (ssize_t)n) {
        _exit(0);
    }
}

static void send_text(const char *text)
{
    u64 bytes = MIN(strlen(text), 511);
    IsolatedAnswer answer = { .bytes = bytes };

    g_mutex_lock(&sending);
    if (greeted) {
        send_all(&answer, sizeof answer);
        send_all(text, bytes);
    }
    g_mutex_unlock(&sending);
}

/* ---- jobs ---- */

/* A message, and the descriptor that came with its first byte, or -1. */
static int receive_message(IsolatedJob *message)
{
    union { struct cmsghdr align; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec iov = { message, sizeof *message };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control };
    ssize_t n = recvmsg(ISOLATED_SOCKET, &m, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    int fd = -1;

    if (n <= 0) {
        _exit(0);
    }
    if (c && c->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    }
    receive_all((u8 *)message + n, sizeof *message - n);
    return fd;
}

static void free_shared(gpointer opaque)
{
    Shared *s = opaque;

    munmap(s->at, s->bytes);
    g_free(s);
}

/* The pages' copy, which stays until the resource is gone or has other pages. */
static void take_shared(RenderJob *job, const IsolatedJob *message, int fd)
{
    void *at = mmap(NULL, message->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    Shared *s;

    if (at == MAP_FAILED) {
        _exit(1);
    }
    s = g_new(Shared, 1);
    *s = (Shared){ at, message->shared };
    g_hash_table_insert(shared, GUINT_TO_POINTER(job->in.id.resource), s);
    job->iov = g_new(struct iovec, 1);
    *job->iov = (struct iovec){ at, message->shared };
    job->n_iov = 1;
}

/* What the renderer does not need any more once this job is done. */
static void release_shared(RenderJob *job)
{
    gpointer id = GUINT_TO_POINTER(job->in.id.resource), s;

    if (job->type == RENDER_RESET) {
        job->chain = shared;
        shared = g_hash_table_new_full(NULL, NULL, NULL, free_shared);
    } else if ((job->type == GPU_RESOURCE_UNREF || job->type == GPU_DETACH_BACKING) &&
               g_hash_table_steal_extended(shared, id, NULL, &s)) {
        GHashTable *one = g_hash_table_new_full(NULL, NULL, NULL, free_shared);

        g_hash_table_insert(one, id, s);
        job->chain = one;
    }
}

static void take_job(Renderer *r)
{
    RenderJob *job = g_new0(RenderJob, 1);
    IsolatedJob message;
    int fd = receive_message(&message);

    job->type = message.type;
    job->scanout = message.scanout;
    job->want = message.want;
    job->header = message.header;
    job->in = message.in;
    job->serial = message.number;
    job->bytes = message.bytes;
    if (message.bytes) {
        job->data = g_try_malloc(message.bytes);
        if (!job->data) {
            _exit(1);
        }
        for (u64 at = 0; at < message.bytes; at += 1 << 30) {
            receive_all(job->data + at, MIN(message.bytes - at, 1 << 30));
        }
    } else if (job->type == GPU_SUBMIT_3D) {
        job->data = g_malloc0(4);
    }
    if (fd >= 0) {
        take_shared(job, &message, fd);
        close(fd);
    }
    release_shared(job);
    render_work(r, job);
}

/* ---- answers ---- */

static u64 bytes_of(const RenderJob *job)
{
    u64 bytes = job->type == RENDER_SAVE || job->type == RENDER_CURSOR ? job->bytes : 0;

    for (unsigned i = 0; job->pictures && i < job->pictures->len; i++) {
        const RenderPicture *p = &g_array_index(job->pictures, RenderPicture, i);

        bytes += sizeof(IsolatedPicture) + (u64)p->w * p->h * 4;
    }
    return bytes;
}

static void send_answer(const RenderJob *job)
{
    IsolatedAnswer answer = { job->serial, job->answer, job->line,
                              job->pictures ? job->pictures->len : 0, job->read_us, 0,
                              bytes_of(job) };

    g_mutex_lock(&sending);
    send_all(&answer, sizeof answer);
    for (unsigned i = 0; i < answer.pictures; i++) {
        const RenderPicture *p = &g_array_index(job->pictures, RenderPicture, i);
        IsolatedPicture picture = { p->scanout, p->x, p->y, p->w, p->h };

        send_all(&picture, sizeof picture);
        send_all(p->pixels, (size_t)p->w * p->h * 4);
    }
    if (!answer.pictures && answer.bytes) {
        send_all(job->data, answer.bytes);
    }
    g_mutex_unlock(&sending);
}

/* The renderer has done it. */
static void answer(RenderJob *job)
{
    send_answer(job);
    if (job->chain) {
        g_hash_table_unref(job->chain);
    }
    render_job_clear(job);
    g_free(job);
}

/* ---- its life ---- */

static void say_hello(Renderer *r, const char *why)
{
    IsolatedHello hello = { .magic = ISOLATED_MAGIC, .good = r != NULL };
    const RenderCapset *sets[GPU_CAPSETS] = { NULL };
    const char *where = "";
    bool software = false;

    g_strlcpy(hello.name, r ? gpu_renderer.name(r, &software, &where) : why,
              sizeof hello.name);
    g_strlcpy(hello.where, where, sizeof hello.where);
    hello.software = software;
    for (unsigned i = 0; r && i < GPU_CAPSETS; i++) {
        sets[i] = gpu_renderer.capset(r, i);
        if (sets[i]) {
            hello.capset[i].id = sets[i]->id;
            hello.capset[i].version = sets[i]->version;
            hello.capset[i].bytes = sets[i]->bytes;
        }
    }
    g_mutex_lock(&sending);
    send_all(&hello, sizeof hello);
    for (unsigned i = 0; i < GPU_CAPSETS; i++) {
        send_all(sets[i] ? sets[i]->data : NULL, hello.capset[i].bytes);
    }
    greeted = true;
    g_mutex_unlock(&sending);
}

static void begin(void)
{
    g_autofree char *why = NULL;
    IsolatedStart start;
    Renderer *r;

    receive_all(&start, sizeof start);
    if (start.magic != ISOLATED_MAGIC) {
        _exit(1);
    }
    r = gpu_renderer.open(&(RenderHost){
        .render_node = start.render_node[0] ? start.render_node : NULL,
        .log = send_text, .socket = ISOLATED_SOCKET, .receive = take_job,
        .answer = answer }, &why);
    if (r && !confine()) {
        say_hello(NULL, "the kernel has no system-call filter (seccomp) for it");
        _exit(1);
    }
    say_hello(r, why);
    if (!r) {
        _exit(1);
    }
}

int main(void)
{
    if (getsockopt(ISOLATED_SOCKET, SOL_SOCKET, SO_TYPE, &(int){ 0 },
                   &(socklen_t){ sizeof(int) }) < 0) {
        fputs("mayfly-gpu is started by mayfly, for a display with isolated=on\n",
              stderr);
        return 1;
    }
    close_range(ISOLATED_SOCKET + 1, ~0u, 0);
    confine_early();
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);     /* it opens files at any time */
    shared = g_hash_table_new_full(NULL, NULL, NULL, free_shared);
    begin();
    for (;;) {
        poll(NULL, 0, -1);
    }
}

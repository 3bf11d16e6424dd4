/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of a Chardev: front ends come and go, input is read as far as they take it,
 * output is drained.  Threads: as chardev.h says of each function.
 */

#include "base/lock.h"
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

enum { READ_BYTES = 4096 };

#define load(p)     __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

bool front_enter(const CharFront *front)
{
    if (!front->ops->locked || machine_lock_held()) {
        return false;
    }
    machine_lock();
    return true;
}

void front_leave(bool entered)
{
    if (entered) {
        machine_unlock();
    }
}

void front_event(CharFront *front, ChardevEvent event)
{
    if (front->ops->event) {
        bool entered = front_enter(front);

        front->ops->event(front->opaque, event);
        front_leave(entered);
    }
}

static void all_fronts(Chardev *chr, ChardevEvent event)
{
    for (unsigned i = 0; i < chr->n_fronts; i++) {
        front_event(chr->front[i], event);
    }
}

/* ---- input ---- */

static bool reads(const Chardev *chr)
{
    if (chr->paused) {
        return false;
    }
    return chr->mux || (chr->n_fronts && chr->front[0]->ops->can_read);
}

/* How many bytes may be read; with the front end entered. */
static size_t input_room(Chardev *chr, CharFront *front)
{
    size_t room = front ? front->ops->can_read(front->opaque) : mux_room(chr);

    if (room == 0) {
        chr->paused = true;
        if (front) {
            store(&front->starved, true);
        }
    }
    return MIN(room, READ_BYTES);
}

/* Reads once and hands over.  False: the input has ended. */
static bool input_pass(Chardev *chr)
{
    CharFront *front = chr->mux ? NULL : chr->front[0];
    bool entered = front && front_enter(front);
    size_t room = input_room(chr, front);
    u8 bytes[READ_BYTES];
    ssize_t n = room ? read(chr->in_fd, bytes, room) : 0;
    bool goes_on = !room || n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));

    if (n > 0 && front) {
        front->ops->readable(front->opaque, bytes, n);
    } else if (n > 0) {
        mux_input(chr, bytes, n);
    }
    front_leave(entered);
    return goes_on;
}

static gboolean input_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Chardev *chr = opaque;

    (void)fd, (void)condition;
    if (!reads(chr) || !input_pass(chr)) {
        if (chr->kind->hung_up) {
            chr->kind->hung_up(chr);
        } else {
            backend_stop_input(chr);
        }
    }
    input_update(chr);
    return G_SOURCE_CONTINUE;
}

static void remove_watch(guint *watch)
{
    if (*watch) {
        g_source_remove(*watch);
        *watch = 0;
    }
}

void input_update(Chardev *chr)
{
    GIOCondition wanted = 0;

    if (chr->in_fd >= 0 && reads(chr)) {
        wanted = G_IO_IN | G_IO_HUP | G_IO_ERR;
    } else if (chr->in_fd >= 0 && chr->kind->peer) {
        wanted = G_IO_HUP | G_IO_ERR;
    }
    if (wanted != chr->in_wanted) {
        remove_watch(&chr->in_watch);
        chr->in_wanted = wanted;
        if (wanted) {
            chr->in_watch = g_unix_fd_add(chr->in_fd, wanted, input_ready, chr);
        }
    }
}

static void input_resume(Chardev *chr)
{
    chr->paused = false;
    for (unsigned i = 0; chr->mux && i < chr->n_fronts; i++) {
        mux_deliver(chr->front[i]);
    }
    input_update(chr);
}

void chardev_accept_input(CharFront *front)
{
    if (front && front->chr && load(&front->starved) &&
        __atomic_exchange_n(&front->starved, false, __ATOMIC_SEQ_CST)) {
        store(&front->chr->resume, true);
        output_kick(&front->chr->out);
    }
}

/* ---- output ---- */

static gboolean output_ready(gint fd, GIOCondition condition, gpointer opaque);

/* After the ring was drained, or could not be. */
static void output_settle(Chardev *chr)
{
    if (!output_blocked(&chr->out)) {
        remove_watch(&chr->out_watch);
    } else if (!chr->out_watch) {
        chr->out_watch = g_unix_fd_add(chr->out.fd, G_IO_OUT | G_IO_HUP | G_IO_ERR,
                                       output_ready, chr);
    }
    if (!output_writable(&chr->out)) {
        return;
    }
    for (unsigned i = 0; i < chr->n_fronts; i++) {
        CharFront *front = chr->front[i];

        if (front->ops->writable) {
            bool entered = front_enter(front);

            front->ops->writable(front->opaque);
            front_leave(entered);
        }
    }
}

static gboolean output_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Chardev *chr = opaque;

    (void)fd, (void)condition;
    output_drain(&chr->out);
    output_settle(chr);
    return G_SOURCE_CONTINUE;
}

static gboolean kicked(gint fd, GIOCondition condition, gpointer opaque)
{
    Chardev *chr = opaque;

    (void)fd, (void)condition;
    output_kicked(&chr->out);
    if (__atomic_exchange_n(&chr->resume, false, __ATOMIC_SEQ_CST)) {
        input_resume(chr);
    }
    if (!output_blocked(&chr->out)) {
        output_drain(&chr->out);
    }
    output_settle(chr);
    return G_SOURCE_CONTINUE;
}

size_t chardev_write(CharFront *front, const void *bytes, size_t n)
{
    Chardev *chr = front ? front->chr : NULL;
    size_t done;

    if (!chr) {
        return n;
    }
    done = chr->mux ? mux_write(chr, bytes, n) : output_write(&chr->out, bytes, n);
    watch_output(front, bytes, done);
    return done;
}

void chardev_flush(CharFront *front)
{
    if (front && front->chr) {
        output_flush(&front->chr->out);
    }
}

/* ---- what the kinds say ---- */

void backend_connect(Chardev *chr, int in_fd, int out_fd, bool ask)
{
    chr->in_fd = in_fd;
    output_to_fd(&chr->out, out_fd, ask);
    store(&chr->connected, true);
    input_update(chr);
    all_fronts(chr, CHARDEV_OPENED);
}

void backend_stop_input(Chardev *chr)
{
    chr->in_fd = -1;
    input_update(chr);
}

void backend_disconnect(Chardev *chr)
{
    output_drain(&chr->out);        /* an answer to what came last */
    output_to_fd(&chr->out, -1, false);
    chr->paused = false;
    backend_stop_input(chr);
    store(&chr->connected, false);
    output_settle(chr);
    all_fronts(chr, CHARDEV_CLOSED);
}

void backend_set_where(Chardev *chr, const char *fmt, ...)
{
    va_list args;

    g_free(chr->where);
    va_start(args, fmt);
    chr->where = g_strdup_vprintf(fmt, args);
    va_end(args);
}

static bool open_log(Chardev *chr, GError **err)
{
    const ChardevConfig *config = chr->config;
    int fd;

    if (!config->logfile) {
        return true;
    }
    fd = open(config->logfile, O_WRONLY | O_CREAT | O_CLOEXEC |
              (config->logappend ? O_APPEND : O_TRUNC), 0666);
    if (fd < 0) {
        return fail_errno(err, "log file '%s'", config->logfile);
    }
    output_log_to(&chr->out, fd);
    return true;
}

bool chardev_start(Chardev *chr, GError **err)
{
    chr->in_fd = -1;
    if (!output_init(&chr->out, chr->config->id, err)) {
        return false;
    }
    chr->kick_watch = g_unix_fd_add(chr->out.timer, G_IO_IN, kicked, chr);
    backend_set_where(chr, "%s", chr->kind->name);
    if (chr->config->mux) {
        chr->mux = mux_new();
    }
    return open_log(chr, err);
}

void chardev_stop(Chardev *chr)
{
    output_flush(&chr->out);
    backend_stop_input(chr);
    remove_watch(&chr->out_watch);
    remove_watch(&chr->kick_watch);
    while (chr->n_fronts) {
        chr->front[--chr->n_fronts]->chr = NULL;
    }
}

/* ---- front ends ---- */

CharFront *chardev_attach(Chardev *chr, const CharFrontOps *ops, void *opaque,
                          GError **err)
{
    unsigned most = chr->mux ? MAX_FRONTS : 1;
    CharFront *front;

    if (chr->n_fronts == most) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "chardev '%s' is in use%s", chardev_id(chr),
                    chr->mux ? " by four front ends, the most a mux can have"
                             : " already (mux=on lets several share it)");
        return NULL;
    }
    front = g_new0(CharFront, 1);
    *front = (CharFront){ .chr = chr, .ops = ops, .opaque = opaque };
    if (chr->mux) {
        front->held = g_byte_array_new();
    }
    chr->front[chr->n_fronts++] = front;
    if (ops->locked && chr->n_fronts > 1) {
        mux_focus(chr, chr->n_fronts - 1);
    }
    chr->paused = false;
    input_update(chr);
    return front;
}

static void take_out(Chardev *chr, CharFront *front)
{
    unsigned at = 0;

    while (chr->front[at] != front) {
        at++;
    }
    chr->n_fronts--;
    for (unsigned i = at; i < chr->n_fronts; i++) {
        chr->front[i] = chr->front[i + 1];
    }
    if (chr->focus > at) {
        chr->focus--;
    } else if (chr->focus == at) {
        chr->focus = 0;
        if (chr->n_fronts) {
            front_event(chr->front[0], CHARDEV_FOCUS_IN);
        }
    }
    chr->paused = false;
    input_update(chr);
}

void chardev_detach(CharFront *front)
{
    if (!front) {
        return;
    }
    if (front->chr) {
        take_out(front->chr, front);
    }
    if (front->held) {
        g_byte_array_unref(front->held);
    }
    g_free(front);
}

bool chardev_connected(const CharFront *front)
{
    return front && front->chr && load(&front->chr->connected);
}

bool chardev_is_mux(const CharFront *front)
{
    return front && front->chr && front->chr->mux;
}

bool chardev_has_focus(const CharFront *front)
{
    return front && front->chr && front->chr->front[front->chr->focus] == front;
}

Chardev *chardev_of(const CharFront *front)
{
    return front ? front->chr : NULL;
}

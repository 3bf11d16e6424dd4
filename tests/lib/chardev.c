/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording front end (chardev.h).
 */

#include "tests/lib/chardev.h"
#include "base/lock.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    CharFrontOps ops;
    Recorder r;
} Full;

static void note_lock(Recorder *r)
{
    const Full *full = container_of(r, Full, r);

    r->locked_right = r->locked_right && machine_lock_held() == full->ops.locked;
}

static size_t recorder_can_read(void *opaque)
{
    note_lock(opaque);
    return ((Recorder *)opaque)->room;
}

static void recorder_readable(void *opaque, const u8 *bytes, size_t n)
{
    Recorder *r = opaque;

    note_lock(r);
    g_assert_cmpuint(n, <=, r->room);
    g_assert_cmpuint(n, >, 0);
    g_string_append_len(r->input, (const char *)bytes, n);
}

static void recorder_event(void *opaque, ChardevEvent event)
{
    Recorder *r = opaque;

    note_lock(r);
    g_string_append_c(r->events, "OCBio"[event]);
}

static void recorder_writable(void *opaque)
{
    Recorder *r = opaque;

    note_lock(r);
    g_string_append_c(r->events, 'w');
}

Recorder *recorder_new(Chardev *chr, bool locked)
{
    Full *full = g_new0(Full, 1);
    GError *err = NULL;

    full->ops = (CharFrontOps){
        .locked = locked,
        .can_read = recorder_can_read,
        .readable = recorder_readable,
        .event = recorder_event,
        .writable = recorder_writable,
    };
    full->r = (Recorder){
        .input = g_string_new(NULL),
        .events = g_string_new(NULL),
        .room = SIZE_MAX,
        .locked_right = true,
    };
    full->r.front = chardev_attach(chr, &full->ops, &full->r, &err);
    g_assert_no_error(err);
    return &full->r;
}

void recorder_free(Recorder *r)
{
    chardev_detach(r->front);
    g_assert_true(r->locked_right);
    g_string_free(r->input, TRUE);
    g_string_free(r->events, TRUE);
    g_free(container_of(r, Full, r));
}

void recorder_say(Recorder *r, const char *text)
{
    g_assert_cmpuint(chardev_write(r->front, text, strlen(text)), ==, strlen(text));
}

static gboolean stop_waiting(gpointer flag)
{
    *(bool *)flag = true;
    return G_SOURCE_REMOVE;
}

void turn(void)
{
    bool over = false;
    guint timer = g_timeout_add(20, stop_waiting, &over);

    g_main_context_iteration(NULL, TRUE);
    if (!over) {
        g_source_remove(timer);
    }
}

void turn_for_ms(unsigned ms)
{
    gint64 end = g_get_monotonic_time() + ms * 1000;

    while (g_get_monotonic_time() < end) {
        turn();
    }
}

Chardev *good_chardev(const char *options)
{
    GError *err = NULL;
    Chardev *chr = chardev_new(options, &err);

    g_assert_no_error(err);
    g_assert_nonnull(chr);
    return chr;
}

void bad_chardev(const char *options, const char *message)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(chardev_new(options, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(err->message, ==, message);
}

void slurp(int fd, GString *text)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char bytes[4096];

    while (poll(&p, 1, 0) > 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);

        if (n <= 0) {
            return;
        }
        g_string_append_len(text, bytes, n);
    }
}

char *scratch_dir(void)
{
    char *dir = g_dir_make_tmp("mayfly-XXXXXX", NULL);

    g_assert_nonnull(dir);
    return dir;
}

void scratch_remove(char *dir)
{
    GDir *list = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(list))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_dir_close(list);
    g_rmdir(dir);
    g_free(dir);
}

bool has_pty(const char **reason)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);

    *reason = "no pseudo-terminals here: /dev/ptmx or /dev/pts is missing";
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mux: up to four front ends share one back end.  All of them write; one has the
 * focus and gets the input.  After the escape key (C-a) the next key is for the mux.
 *
 * Input for a front end that does not take it is held, so that the keys work although a
 * guest does not read.  mux_write: any thread.  The rest: the main thread.
 */

#include "chardev/backend.h"

#include <pthread.h>
#include <string.h>

enum { HELD_BYTES = 4096 };

struct Mux {
    bool escaped;               /* the last key was the escape key */
    bool stamps;                /* atomic: lines begin with the time */
    pthread_mutex_t lock;       /* of the rest; taken before out.lock */
    bool in_line;               /* the output is inside a line */
    s64 epoch_us;               /* when stamps were switched on */
};

static ChardevHost host;
static u8 escape = 1;

void chardevs_set_host(const ChardevHost *h)
{
    host = *h;
}

void chardevs_set_escape(u8 key)
{
    escape = key;
}

Mux *mux_new(void)
{
    Mux *mux = g_new0(Mux, 1);

    pthread_mutex_init(&mux->lock, NULL);
    return mux;
}

void mux_free(Mux *mux)
{
    if (mux) {
        pthread_mutex_destroy(&mux->lock);
        g_free(mux);
    }
}

/* ---- keys ---- */

static void say(Chardev *chr, const char *text)
{
    output_write(&chr->out, (const u8 *)text, strlen(text));
}

static void key_quit(Chardev *chr)
{
    say(chr, "Mayfly: Terminated\r\n");
    if (host.quit) {
        host.quit();
    }
}

static void key_commit(Chardev *chr)
{
    (void)chr;
    if (host.commit) {
        host.commit();
    }
}

static void key_break(Chardev *chr)
{
    if (chr->n_fronts) {
        front_event(chr->front[chr->focus], CHARDEV_BREAK);
    }
}

static void key_stamps(Chardev *chr)
{
    Mux *mux = chr->mux;

    pthread_mutex_lock(&mux->lock);
    mux->epoch_us = g_get_monotonic_time();
    mux->in_line = false;
    pthread_mutex_unlock(&mux->lock);
    __atomic_store_n(&mux->stamps, !mux->stamps, __ATOMIC_SEQ_CST);
}

static void key_next(Chardev *chr)
{
    if (chr->n_fronts) {
        mux_focus(chr, (chr->focus + 1) % chr->n_fronts);
    }
}

static void key_help(Chardev *chr);

static const struct {
    char key, also;
    void (*act)(Chardev *chr);
    const char *help;
} keys[] = {
    { 'h', '?', key_help,   "show this help" },
    { 'x', 0,   key_quit,   "quit" },
    { 's', 0,   key_commit, "save the disks' changes to their files (-snapshot)" },
    { 't', 0,   key_stamps, "switch time stamps on or off" },
    { 'b', 0,   key_break,  "send a break (magic SysRq)" },
    { 'c', 0,   key_next,   "switch between console and monitor" },
};

static void key_help(Chardev *chr)
{
    bool control = escape > 0 && escape < 27;
    g_autofree char *name = control ? g_strdup_printf("C-%c", 'a' - 1 + escape)
                                    : g_strdup_printf("0x%02x", escape);

    say(chr, "\r\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line = g_strdup_printf("%s %c    %s\r\n", name, keys[i].key,
                                                keys[i].help);

        say(chr, line);
    }
    g_autofree char *last = g_strdup_printf("%s %s  send %s\r\n", name, name, name);

    say(chr, last);
}

static void key_act(Chardev *chr, u8 key)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (key == keys[i].key || (keys[i].also && key == keys[i].also)) {
            keys[i].act(chr);
            return;
        }
    }
}

/* ---- input ---- */

size_t mux_room(const Chardev *chr)
{
    return chr->n_fronts ? HELD_BYTES - chr->front[chr->focus]->held->len : HELD_BYTES;
}

void mux_deliver(CharFront *front)
{
    GByteArray *held = front->held;
    bool entered = front_enter(front);

    if (!front->ops->can_read || !front->ops->readable) {
        g_byte_array_set_size(held, 0);
    }
    while (held->len) {
        size_t n = MIN(front->ops->can_read(front->opaque), held->len);

        if (n == 0) {
            __atomic_store_n(&front->starved, true, __ATOMIC_SEQ_CST);
            break;
        }
        front->ops->readable(front->opaque, held->data, n);
        g_byte_array_remove_range(held, 0, n);
    }
    front_leave(entered);
}

/* A byte for the front end with the focus.  If too many wait for it, it is lost. */
static void hold(Chardev *chr, u8 byte)
{
    if (chr->n_fronts && mux_room(chr)) {
        g_byte_array_append(chr->front[chr->focus]->held, &byte, 1);
    }
}

void mux_input(Chardev *chr, const u8 *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool escaped = chr->mux->escaped;

        chr->mux->escaped = false;
        if (bytes[i] == escape && !escaped) {
            chr->mux->escaped = true;
        } else if (escaped && bytes[i] != escape) {
            key_act(chr, bytes[i]);
        } else {
            hold(chr, bytes[i]);
        }
    }
    for (unsigned i = 0; i < chr->n_fronts; i++) {
        mux_deliver(chr->front[i]);
    }
}

void mux_focus(Chardev *chr, unsigned focus)
{
    unsigned before = chr->focus;

    if (focus != before) {
        chr->focus = focus;
        front_event(chr->front[before], CHARDEV_FOCUS_OUT);
        front_event(chr->front[focus], CHARDEV_FOCUS_IN);
    }
}

/* ---- output ---- */

static bool write_stamp(Chardev *chr)
{
    s64 ms = (g_get_monotonic_time() - chr->mux->epoch_us) / 1000;
    char text[40];
    int n = g_snprintf(text, sizeof text, "[%02d:%02d:%02d.%03d] ", (int)(ms / 3600000),
                       (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));

    return output_write(&chr->out, (const u8 *)text, n) == (size_t)n;
}

/* The same with stamps; with the mux's lock held. */
static size_t write_stamped(Chardev *chr, const u8 *bytes, size_t n)
{
    Mux *mux = chr->mux;
    size_t done = 0;

    while (done < n) {
        const u8 *end = memchr(bytes + done, '\n', n - done);
        size_t line = end ? (size_t)(end + 1 - (bytes + done)) : n - done, part;

        if (!mux->in_line && !write_stamp(chr)) {
            break;
        }
        part = output_write(&chr->out, bytes + done, line);
        done += part;
        mux->in_line = part < line || !end;
        if (part < line) {
            break;
        }
    }
    return done;
}

size_t mux_write(Chardev *chr, const u8 *bytes, size_t n)
{
    size_t done;

    if (!__atomic_load_n(&chr->mux->stamps, __ATOMIC_SEQ_CST)) {
        return output_write(&chr->out, bytes, n);
    }
    pthread_mutex_lock(&chr->mux->lock);
    done = write_stamped(chr, bytes, n);
    pthread_mutex_unlock(&chr->mux->lock);
    return done;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor before a Chardev: lines in, text out.  The main thread.
 *
 * Lines come from the line editor here (line_edit.c), or from libedit where the monitor
 * has the program's terminal to itself (line_tty.c).  Output that the other side does
 * not take waits here; if it never does, it is dropped.
 */

#include "vm/line_tty.h"
#include "vm/monitor_inside.h"

#include <string.h>
#include <unistd.h>

enum { MOST_PENDING = 16 * 1024 * 1024 };

#define PROMPT "(qemu) "

typedef struct {
    Vm *vm;
    CharFront *front;
    unsigned cpu;
    LineEdit *edit;
    LineTty *tty;               /* then `edit` is not used */
    GString *pending;           /* output not written yet */
    bool greeted;
} Monitor;

static GPtrArray *monitors;

/* ---- output ---- */

static void flush(Monitor *m)
{
    size_t n;

    if (chardev_is_mux(m->front) && !chardev_has_focus(m->front)) {
        return;
    }
    n = chardev_write(m->front, m->pending->str, m->pending->len);
    g_string_erase(m->pending, 0, n);
}

static void put(void *opaque, const char *text, size_t n)
{
    Monitor *m = opaque;

    if (m->pending->len + n < MOST_PENDING) {
        g_string_append_len(m->pending, text, n);
    }
}

/* Text with LF as line ends. */
static void emit(Monitor *m, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        put(m, text, end - text);
        put(m, "\r\n", 2);
    }
    put(m, text, strlen(text));
    flush(m);
}

static void greet(Monitor *m)
{
    m->greeted = true;
    emit(m, "QEMU " MONITOR_VERSION " monitor - type 'help' for more information\n");
}

static void prompt(Monitor *m)
{
    line_edit_show(m->edit);
    flush(m);
}

/* ---- lines ---- */

static bool run(void *opaque, const char *line)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Monitor *m = opaque;
    bool goes_on = monitor_run(m->vm, &m->cpu, line, out);

    emit(m, out->str);
    if (m->tty) {
        chardev_flush(m->front);        /* the prompt does not come by the same way */
    } else if (goes_on) {
        line_edit_show(m->edit);
    }
    return goes_on;
}

static const LineEditOps line_ops = {
    .prompt = PROMPT,
    .put = put,
    .run = run,
    .complete = monitor_complete,
};

/* ---- the front end ---- */

static size_t can_read(void *opaque)
{
    return ((Monitor *)opaque)->tty ? 0 : 4096;     /* libedit reads by itself */
}

static void readable(void *opaque, const u8 *bytes, size_t n)
{
    Monitor *m = opaque;

    for (size_t i = 0; i < n; i++) {
        line_edit_key(m->edit, bytes[i]);
    }
    flush(m);
}

static void event(void *opaque, ChardevEvent what)
{
    Monitor *m = opaque;
    bool heard = !chardev_is_mux(m->front) || chardev_has_focus(m->front);

    if (what == CHARDEV_CLOSED) {
        g_string_truncate(m->pending, 0);
        line_edit_clear(m->edit);
        m->greeted = false;
    } else if (what == CHARDEV_OPENED && heard) {
        greet(m);
        prompt(m);
    } else if (what == CHARDEV_FOCUS_IN) {
        emit(m, "\n");
        if (!m->greeted) {
            greet(m);
        }
        prompt(m);
    }
}

static void writable(void *opaque)
{
    flush(opaque);
}

static const CharFrontOps front_ops = {
    .can_read = can_read,
    .readable = readable,
    .event = event,
    .writable = writable,
};

/* Is this the program's own terminal, for the monitor alone? */
static bool has_terminal(const Monitor *m)
{
    return strcmp(chardev_where(chardev_of(m->front)), "stdio") == 0 &&
           !chardev_is_mux(m->front) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void free_monitor(gpointer opaque)
{
    Monitor *m = opaque;

    line_tty_free(m->tty);
    line_edit_free(m->edit);
    chardev_detach(m->front);
    g_string_free(m->pending, TRUE);
    g_free(m);
}

static void start(Monitor *m)
{
    if (has_terminal(m)) {
        greet(m);
        chardev_flush(m->front);
        m->tty = line_tty_new(&line_ops, m);
        if (!m->tty) {
            prompt(m);
        }
    } else if (chardev_connected(m->front)) {
        event(m, CHARDEV_OPENED);
    }
}

bool monitor_new(Vm *vm, Chardev *chr, GError **err)
{
    Monitor *m = g_new0(Monitor, 1);

    m->vm = vm;
    m->pending = g_string_new(NULL);
    m->edit = line_edit_new(&line_ops, m);
    m->front = chardev_attach(chr, &front_ops, m, err);
    if (!m->front) {
        free_monitor(m);
        return false;
    }
    if (!monitors) {
        monitors = g_ptr_array_new_with_free_func(free_monitor);
    }
    g_ptr_array_add(monitors, m);
    start(m);
    return true;
}

void monitors_free(void)
{
    g_clear_pointer(&monitors, g_ptr_array_unref);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines typed at the program's own terminal (line_tty.h).
 */

#include "vm/line_tty.h"

#include "config.h"

#ifdef CONFIG_LIBEDIT

#include "base/library.h"

#include <glib-unix.h>
#include <histedit.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EDIT_FUNCTIONS(row)                                                           \
    row(el_end) row(el_get) row(el_gets) row(el_init) row(el_insertstr) row(el_line)  \
    row(el_resize) row(el_set) row(el_source) row(history) row(history_end)           \
    row(history_init)

static struct {
    EDIT_FUNCTIONS(LIBRARY_MEMBER)
} edit;

struct LineTty {
    const LineEditOps *ops;
    void *opaque;
    EditLine *el;               /* the thread's while it runs */
    History *history;
    pthread_t thread;
    int stop, typed;            /* eventfds: for the thread, for the main loop */
    guint watch;
    pthread_mutex_t lock;       /* of the rest */
    pthread_cond_t answered;
    char *line;                 /* typed, not run yet */
    bool busy;                  /* a line is being run */
    bool over;                  /* no more input */
};

static void signal_event(int fd)
{
    u64 one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);

    (void)ignored;
}

/* ---- the thread ---- */

/* Bytes beyond ASCII are left out: no command has any. */
static int next_char(EditLine *el, wchar_t *c)
{
    LineTty *tty;
    u8 byte;

    edit.el_get(el, EL_CLIENTDATA, &tty);
    for (;;) {
        struct pollfd p[] = {
            { .fd = STDIN_FILENO, .events = POLLIN },
            { .fd = tty->stop, .events = POLLIN },
        };

        if (poll(p, 2, -1) < 0) {
            continue;
        }
        if (p[1].revents || read(STDIN_FILENO, &byte, 1) <= 0) {
            pthread_mutex_lock(&tty->lock);
            tty->over = true;
            pthread_mutex_unlock(&tty->lock);
            return 0;
        }
        if (byte < 128) {
            *c = byte;
            return 1;
        }
    }
}

static unsigned char complete_key(EditLine *el, int key)
{
    const LineInfo *info = edit.el_line(el);
    g_autofree char *before = g_strndup(info->buffer, info->cursor - info->buffer);
    g_autoptr(GPtrArray) names = NULL;
    LineTty *tty;

    (void)key;
    edit.el_get(el, EL_CLIENTDATA, &tty);
    names = tty->ops->complete(before);
    if (names->len != 1 || !g_str_has_prefix(names->pdata[0], before)) {
        return CC_ERROR;
    }
    edit.el_insertstr(el, (char *)names->pdata[0] + strlen(before));
    edit.el_insertstr(el, " ");
    return CC_REFRESH;
}

static char *prompt(EditLine *el)
{
    LineTty *tty;

    edit.el_get(el, EL_CLIENTDATA, &tty);
    return (char *)tty->ops->prompt;
}

/* Hands a line over and waits until it was run.  False: no more lines. */
static bool hand_over(LineTty *tty, const char *line)
{
    bool over;

    pthread_mutex_lock(&tty->lock);
    if (line && !tty->over) {
        tty->line = g_strndup(line, strcspn(line, "\r\n"));
        tty->busy = true;
        signal_event(tty->typed);
    }
    while (tty->busy && !tty->over) {
        pthread_cond_wait(&tty->answered, &tty->lock);
    }
    over = tty->over;
    pthread_mutex_unlock(&tty->lock);
    return !over;
}

static void *read_lines(void *opaque)
{
    LineTty *tty = opaque;
    const char *line;
    HistEvent event;
    int n;

    do {
        edit.el_resize(tty->el);
        line = edit.el_gets(tty->el, &n);
        if (line && n > 1) {
            edit.history(tty->history, &event, H_ENTER, line);
        }
    } while (hand_over(tty, line));
    return NULL;
}

/* ---- the main thread ---- */

static gboolean run_typed(gint fd, GIOCondition condition, gpointer opaque)
{
    LineTty *tty = opaque;
    g_autofree char *line = NULL;
    bool over = false;
    u64 n;
    ssize_t ignored = read(fd, &n, sizeof n);

    (void)condition, (void)ignored;
    pthread_mutex_lock(&tty->lock);
    line = g_steal_pointer(&tty->line);
    pthread_mutex_unlock(&tty->lock);
    if (line) {
        over = !tty->ops->run(tty->opaque, line);
    }
    pthread_mutex_lock(&tty->lock);
    tty->busy = false;
    tty->over = tty->over || over;
    pthread_cond_signal(&tty->answered);
    pthread_mutex_unlock(&tty->lock);
    return G_SOURCE_CONTINUE;
}

static void set_up_editor(LineTty *tty)
{
    HistEvent event;

    tty->history = edit.history_init();
    edit.history(tty->history, &event, H_SETSIZE, 500);
    edit.history(tty->history, &event, H_SETUNIQUE, 1);
    edit.el_set(tty->el, EL_CLIENTDATA, tty);
    edit.el_set(tty->el, EL_PROMPT, prompt);
    edit.el_set(tty->el, EL_EDITOR, "emacs");
    edit.el_set(tty->el, EL_HIST, edit.history, tty->history);
    edit.el_set(tty->el, EL_ADDFN, "complete-command", "Complete a command",
                complete_key);
    edit.el_set(tty->el, EL_BIND, "^I", "complete-command", NULL);
    edit.el_set(tty->el, EL_GETCFN, next_char);
    edit.el_source(tty->el, NULL);
}

/* The thread gets no signals: they are the main thread's. */
static bool start_thread(LineTty *tty)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&tty->thread, NULL, read_lines, tty) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void free_parts(LineTty *tty)
{
    if (tty->el) {
        edit.el_end(tty->el);
        edit.history_end(tty->history);
    }
    if (tty->watch) {
        g_source_remove(tty->watch);
    }
    close(tty->stop);
    close(tty->typed);
    pthread_mutex_destroy(&tty->lock);
    pthread_cond_destroy(&tty->answered);
    g_free(tty->line);
    g_free(tty);
}

static bool edit_load(void)
{
    static const char *const names[] = { EDIT_FUNCTIONS(LIBRARY_NAME) NULL };
    static Library library = { "libedit.so.2", names, (void **)&edit, false };

    return library_load(&library, NULL);
}

LineTty *line_tty_new(const LineEditOps *ops, void *opaque)
{
    LineTty *tty = edit_load() ? g_new0(LineTty, 1) : NULL;

    if (!tty) {
        return NULL;
    }
    tty->ops = ops;
    tty->opaque = opaque;
    pthread_mutex_init(&tty->lock, NULL);
    pthread_cond_init(&tty->answered, NULL);
    tty->stop = eventfd(0, EFD_CLOEXEC);
    tty->typed = eventfd(0, EFD_CLOEXEC);
    tty->el = edit.el_init("mayfly", stdin, stdout, stderr);
    if (tty->el) {
        set_up_editor(tty);
    }
    if (!tty->el || tty->stop < 0 || tty->typed < 0 || !start_thread(tty)) {
        free_parts(tty);
        return NULL;
    }
    tty->watch = g_unix_fd_add(tty->typed, G_IO_IN, run_typed, tty);
    return tty;
}

void line_tty_free(LineTty *tty)
{
    if (!tty) {
        return;
    }
    pthread_mutex_lock(&tty->lock);
    tty->over = true;
    pthread_cond_signal(&tty->answered);
    pthread_mutex_unlock(&tty->lock);
    signal_event(tty->stop);
    pthread_join(tty->thread, NULL);
    free_parts(tty);
}

#else

LineTty *line_tty_new(const LineEditOps *ops, void *opaque)
{
    (void)ops, (void)opaque;
    return NULL;
}

void line_tty_free(LineTty *tty)
{
    (void)tty;
}

#endif

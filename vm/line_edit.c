/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small line editor (line_edit.h).
 */

#include "vm/line_edit.h"

#include <string.h>

enum { MOST_BYTES = 1023, MOST_LINES = 50 };

/* What came before: nothing, ESC, ESC [. */
typedef enum { PLAIN, ESCAPE, SEQUENCE } KeyState;

struct LineEdit {
    const LineEditOps *ops;
    void *opaque;
    char line[MOST_BYTES + 1];
    size_t n, cursor;
    KeyState state;
    u8 parameter;               /* the number in ESC [ 3 ~ */
    bool after_cr;              /* LF is part of the same Enter */
    bool over;
    GPtrArray *history;         /* oldest first */
    unsigned shown;             /* the line of it that is shown; its length: none */
};

LineEdit *line_edit_new(const LineEditOps *ops, void *opaque)
{
    LineEdit *e = g_new0(LineEdit, 1);

    e->ops = ops;
    e->opaque = opaque;
    e->history = g_ptr_array_new_with_free_func(g_free);
    return e;
}

void line_edit_free(LineEdit *e)
{
    if (e) {
        g_ptr_array_unref(e->history);
        g_free(e);
    }
}

static void put(LineEdit *e, const char *text, size_t n)
{
    if (n) {
        e->ops->put(e->opaque, text, n);
    }
}

static void put_times(LineEdit *e, char c, size_t n)
{
    char text[MOST_BYTES];

    memset(text, c, n);
    put(e, text, n);
}

void line_edit_show(LineEdit *e)
{
    put(e, e->ops->prompt, strlen(e->ops->prompt));
    put(e, e->line, e->n);
    put_times(e, '\b', e->n - e->cursor);
}

void line_edit_clear(LineEdit *e)
{
    e->n = e->cursor = 0;
    e->line[0] = 0;
    e->state = PLAIN;
    e->shown = e->history->len;
}

/*
 * Every change of the line is this one: [from, to) becomes `text`, the cursor goes
 * behind it.
 */
static void replace(LineEdit *e, size_t from, size_t to, const char *text, size_t n)
{
    size_t before = e->n, blanks;

    if (e->n - (to - from) + n > MOST_BYTES) {
        put(e, "\a", 1);
        return;
    }
    if (from < e->cursor) {
        put_times(e, '\b', e->cursor - from);
    } else {
        put(e, e->line + e->cursor, from - e->cursor);
    }
    memmove(e->line + from + n, e->line + to, e->n - to + 1);
    memcpy(e->line + from, text, n);
    e->n += n - (to - from);
    e->cursor = from + n;
    blanks = before > e->n ? before - e->n : 0;
    put(e, e->line + from, e->n - from);
    put_times(e, ' ', blanks);
    put_times(e, '\b', blanks + e->n - e->cursor);
}

static void move(LineEdit *e, size_t to)
{
    replace(e, to, to, "", 0);
}

/* ---- keys ---- */

static void left(LineEdit *e)
{
    move(e, e->cursor - (e->cursor > 0));
}

static void right(LineEdit *e)
{
    move(e, e->cursor + (e->cursor < e->n));
}

static void home(LineEdit *e)
{
    move(e, 0);
}

static void end(LineEdit *e)
{
    move(e, e->n);
}

static void backspace(LineEdit *e)
{
    replace(e, e->cursor - (e->cursor > 0), e->cursor, "", 0);
}

static void delete(LineEdit *e)
{
    replace(e, e->cursor, e->cursor + (e->cursor < e->n), "", 0);
}

static void kill_before(LineEdit *e)
{
    replace(e, 0, e->cursor, "", 0);
}

static void kill_after(LineEdit *e)
{
    replace(e, e->cursor, e->n, "", 0);
}

static void kill_word(LineEdit *e)
{
    size_t from = e->cursor;

    while (from && e->line[from - 1] == ' ') {
        from--;
    }
    while (from && e->line[from - 1] != ' ') {
        from--;
    }
    replace(e, from, e->cursor, "", 0);
}

static void show_history(LineEdit *e, unsigned which)
{
    const char *line = which < e->history->len ? e->history->pdata[which] : "";

    e->shown = which;
    replace(e, 0, e->n, line, strlen(line));
}

static void up(LineEdit *e)
{
    if (e->shown > 0) {
        show_history(e, e->shown - 1);
    }
}

static void down(LineEdit *e)
{
    if (e->shown < e->history->len) {
        show_history(e, e->shown + 1);
    }
}

/* The bytes that all names begin with. */
static size_t common_length(const GPtrArray *names)
{
    const char *first = names->pdata[0];
    size_t n = strlen(first);

    for (unsigned i = 1; i < names->len; i++) {
        while (strncmp(first, names->pdata[i], n) != 0) {
            n--;
        }
    }
    return n;
}

static void complete(LineEdit *e)
{
    g_autofree char *before = g_strndup(e->line, e->cursor);
    g_autoptr(GPtrArray) names = e->ops->complete(before);
    size_t n = names->len ? common_length(names) : 0, same = 0;

    if (n > e->cursor || names->len == 1) {
        const char *name = names->pdata[0];

        while (same < MIN(n, e->cursor) && name[same] == before[same]) {
            same++;
        }
        replace(e, same, e->cursor, name + same, n - same);
        if (names->len == 1) {
            replace(e, e->cursor, e->cursor, " ", 1);
        }
    } else if (names->len > 1) {
        for (unsigned i = 0; i < names->len; i++) {
            put(e, "\r\n", 2);
            put(e, names->pdata[i], strlen(names->pdata[i]));
        }
        put(e, "\r\n", 2);
        line_edit_show(e);
    }
}

static void remember(LineEdit *e, const char *line)
{
    GPtrArray *h = e->history;

    if (*line && !(h->len && strcmp(h->pdata[h->len - 1], line) == 0)) {
        if (h->len == MOST_LINES) {
            g_ptr_array_remove_index(h, 0);
        }
        g_ptr_array_add(h, g_strdup(line));
    }
}

static void enter(LineEdit *e)
{
    g_autofree char *line = g_strdup(e->line);

    put(e, "\r\n", 2);
    remember(e, line);
    line_edit_clear(e);
    e->over = !e->ops->run(e->opaque, line);
}

typedef void KeyFn(LineEdit *e);

#define CTRL(c) ((c) & 31)
static KeyFn *const keys[32] = {
    [CTRL('A')] = home,        [CTRL('B')] = left,       [CTRL('D')] = delete,
    [CTRL('E')] = end,         [CTRL('F')] = right,      [CTRL('H')] = backspace,
    [CTRL('I')] = complete,    [CTRL('J')] = enter,      [CTRL('K')] = kill_after,
    [CTRL('M')] = enter,       [CTRL('N')] = down,       [CTRL('P')] = up,
    [CTRL('U')] = kill_before, [CTRL('W')] = kill_word,
};

/* The last byte of ESC [ x, and the number in ESC [ n ~. */
static KeyFn *const letters[] = {
    ['A'] = up, ['B'] = down, ['C'] = right, ['D'] = left, ['F'] = end, ['H'] = home,
};
static KeyFn *const numbers[] = {
    [1] = home, [3] = delete, [4] = end, [7] = home, [8] = end,
};

static void sequence_key(LineEdit *e, u8 byte)
{
    KeyFn *fn = NULL;

    if (byte >= '0' && byte <= '9') {
        e->parameter = byte - '0';
        return;
    }
    if (byte == ';') {
        return;
    }
    e->state = PLAIN;
    if (byte == '~' && e->parameter < G_N_ELEMENTS(numbers)) {
        fn = numbers[e->parameter];
    } else if (byte < G_N_ELEMENTS(letters)) {
        fn = letters[byte];
    }
    if (fn) {
        fn(e);
    }
}

void line_edit_key(LineEdit *e, u8 byte)
{
    bool after_cr = e->after_cr;
    char c = byte;

    e->after_cr = byte == '\r';
    if (e->over || (byte == '\n' && after_cr)) {
        return;
    }
    if (e->state == SEQUENCE) {
        sequence_key(e, byte);
    } else if (e->state == ESCAPE) {
        e->parameter = 0;
        e->state = byte == '[' || byte == 'O' ? SEQUENCE : PLAIN;
    } else if (byte == 27) {
        e->state = ESCAPE;
    } else if (byte == 127) {
        backspace(e);
    } else if (byte < 32 && keys[byte]) {
        keys[byte](e);
    } else if (byte >= 32 && byte < 127) {
        replace(e, e->cursor, e->cursor, &c, 1);
    }
}

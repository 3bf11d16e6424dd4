/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small line editor for a terminal that is reached through bytes alone: a socket, a
 * pty, a mux.  It echoes; C-a C-b C-e C-f, arrows, Home, End and Delete move and
 * delete, C-u C-k C-w kill, up and down walk the history, Tab completes.  It redraws
 * with blanks and backspaces and so needs to know nothing of the terminal.
 *
 * Any input is safe: lines are bounded, unknown keys and bytes are ignored.  One
 * thread.
 */

#ifndef VM_LINE_EDIT_H
#define VM_LINE_EDIT_H

#include "base/types.h"

typedef struct LineEdit LineEdit;

typedef struct {
    const char *prompt;
    void (*put)(void *opaque, const char *text, size_t n);
    /* Enter was pressed; false: there are to be no more lines. */
    bool (*run)(void *opaque, const char *line);
    GPtrArray *(*complete)(const char *text);       /* whole lines that begin with it */
} LineEditOps;

LineEdit *line_edit_new(const LineEditOps *ops, void *opaque);
void line_edit_free(LineEdit *edit);
void line_edit_show(LineEdit *edit);                /* the prompt and the line so far */
void line_edit_clear(LineEdit *edit);               /* forgets the line so far */
void line_edit_key(LineEdit *edit, u8 byte);

#endif

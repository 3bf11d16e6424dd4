/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines typed at the program's own terminal, edited by libedit: its keys, its history,
 * the user's ~/.editrc.
 *
 * libedit waits for keys, so it has a thread; `run` is called on the main thread, while
 * the editor waits.
 */

#ifndef VM_LINE_TTY_H
#define VM_LINE_TTY_H

#include "vm/line_edit.h"

typedef struct LineTty LineTty;

/* Of `ops`, `put` is not used.  NULL if there is no libedit. */
LineTty *line_tty_new(const LineEditOps *ops, void *opaque);
void line_tty_free(LineTty *tty);           /* NULL is allowed */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's terminal: raw while a guest or a monitor has it, and always as it was when
 * the program has ended, crashed or is suspended.
 *
 * The main thread, except where it says otherwise.
 */

#ifndef CHARDEV_TERMINAL_H
#define CHARDEV_TERMINAL_H

#include "base/types.h"

/*
 * Opens /dev/null for whichever of the descriptors 0, 1 and 2 is closed, so that no
 * file opened later is taken for standard input or output.  The first thing main does.
 */
void terminal_reserve_std(void);

/*
 * Handles the signals that kill a program where it stands (SIGSEGV, SIGABRT, SIGQUIT,
 * ...): the terminal is restored and buffered output written, then the signal takes its
 * course. Whoever handles one of them on purpose does so after this call and passes on
 * what is not his.
 */
void terminal_guard(void);

/*
 * Makes the terminal `fd` raw; with `signals`, C-c, C-z and C-\ keep their meaning.
 * Does nothing if it is not a terminal.  There can be one.
 */
void terminal_raw(int fd, bool signals);

/* Puts it back as it was found.  Async-signal-safe. */
void terminal_restore(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of back ends: one line each, defined at the end of the file of that name.
 */

#ifndef CHARDEV_KINDS_H
#define CHARDEV_KINDS_H

#include "chardev/backend.h"

extern const ChardevKind chardev_file;
extern const ChardevKind chardev_null;
extern const ChardevKind chardev_pipe;
extern const ChardevKind chardev_pty;
extern const ChardevKind chardev_ringbuf;
extern const ChardevKind chardev_serial;
extern const ChardevKind chardev_socket;
extern const ChardevKind chardev_stdio;

#endif

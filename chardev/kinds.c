/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of back ends there are, by name.
 */

#include "chardev/kinds.h"

const ChardevKind *const chardev_kinds[] = {
    &chardev_file,
    &chardev_null,
    &chardev_pipe,
    &chardev_pty,
    &chardev_ringbuf,
    &chardev_serial,
    &chardev_socket,
    &chardev_stdio,
    NULL
};

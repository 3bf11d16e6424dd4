/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * null: takes everything, says nothing.
 */

#include "chardev/kinds.h"

PROPS(NullConfig, CHARDEV_ROWS);

typedef struct {
    Chardev chr;
    NullConfig config;
} Null;

static bool null_open(Chardev *chr, GError **err)
{
    (void)err;
    backend_connect(chr, -1, -1, false);
    return true;
}

const ChardevKind chardev_null = {
    .name = "null",
    .help = "nothing: output is dropped",
    .open = null_open,
    CHARDEV_CONFIG(Null, NullConfig),
};

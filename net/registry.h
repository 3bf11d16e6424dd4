/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between net.c and registry.c.  Nobody else includes this.
 */

#ifndef NET_REGISTRY_H
#define NET_REGISTRY_H

#include "net/kind.h"

struct NetFront {
    const NetFrontOps *ops;
    void *opaque;
    Netdev *nd;                     /* NULL: on no back end */
    char *name;
    const char *model;
    u8 mac[6];
    IoContext *io;                  /* whose lock guards it */
    bool link_down;                 /* of its own; the back end has one, too */
};

#endif

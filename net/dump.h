/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter-dump: what passes a network back end, as a pcap file.
 */

#ifndef NET_DUMP_H
#define NET_DUMP_H

#include "base/field.h"

/* Which way, as QEMU names it: of the back end's own queues. */
typedef enum { DUMP_ALL, DUMP_RX, DUMP_TX } NetDumpQueue;

typedef struct NetDump NetDump;

typedef struct {
    const char *id, *netdev, *file;
    u32 maxlen;                     /* bytes of each frame at most */
    NetDumpQueue queue;
    const char *position;           /* of netdev_add_filter */
    bool before;
    bool off;                       /* the file has a header and no frames */
} NetDumpOptions;

/* Fails if the file can't be written. */
NetDump *net_dump_open(const NetDumpOptions *options, GError **err) must_check;
void net_dump_close(NetDump *dump);

#endif

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

/* At most `maxlen` bytes of each frame.  Fails if the file can't be written. */
NetDump *net_dump_open(const char *id, const char *netdev, const char *file, u32 maxlen,
                       NetDumpQueue queue, GError **err) must_check;
void net_dump_close(NetDump *dump);

#endif

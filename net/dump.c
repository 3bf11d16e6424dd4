/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter-dump (dump.h).  The format is that of libpcap 2.4: a header, then for each
 * frame a header of its own and the bytes.  Opened and closed on the main thread;
 * called as filters are.
 */

#include "net/dump.h"
#include "net/kind.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAGIC = 0xa1b2c3d4, MAJOR = 2, MINOR = 4, ETHERNET = 1 };

typedef struct {
    u32 magic;
    u16 major, minor;
    u32 zone, accuracy, length, link;
} FileHeader;

typedef struct {
    u32 seconds, microseconds, kept, bytes;
} FrameHeader;

struct NetDump {
    char *netdev, *file;
    int fd;
    u32 maxlen;
    NetDumpQueue queue;
    bool off, failed;
    u8 *bytes;                      /* header and frame */
};

static void write_frame(void *opaque, NetDirection direction, const NetFrame *frame)
{
    NetDump *dump = opaque;
    FrameHeader header;
    struct timeval now;
    size_t n;

    if (dump->off || dump->failed ||
        (dump->queue == DUMP_RX && direction != NET_TO_BACK_END) ||
        (dump->queue == DUMP_TX && direction != NET_FROM_BACK_END)) {
        return;
    }
    gettimeofday(&now, NULL);
    n = net_frame_copy(frame, dump->bytes + sizeof header, dump->maxlen);
    header = (FrameHeader){ now.tv_sec, now.tv_usec, n, frame->bytes };
    memcpy(dump->bytes, &header, sizeof header);
    n += sizeof header;
    if (write(dump->fd, dump->bytes, n) != (ssize_t)n) {
        warn_user("filter-dump: cannot write to '%s': %s; it ends here", dump->file,
                  g_strerror(errno));
        dump->failed = true;
    }
}

void net_dump_close(NetDump *dump)
{
    Netdev *nd = netdev_find(dump->netdev, NULL);

    if (nd) {
        netdev_remove_filter(nd, dump);
    }
    close(dump->fd);
    g_free(dump->netdev);
    g_free(dump->file);
    g_free(dump->bytes);
    g_free(dump);
}

NetDump *net_dump_open(const NetDumpOptions *o, GError **err)
{
    Netdev *nd = netdev_find(o->netdev, err);
    FileHeader header = { MAGIC, MAJOR, MINOR, 0, 0, o->maxlen, ETHERNET };
    NetDump *dump;
    int fd;

    if (!nd) {
        return NULL;
    }
    if (nd->kind->vhost && nd->kind->vhost(nd, 0, &(int){ 0 }, &(int){ 0 })) {
        net_refuse(err, "netdev '%s' has vhost=on: its packets do not come past here",
                   o->netdev);
        return NULL;
    }
    fd = open(o->file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, &header, sizeof header) != sizeof header) {
        net_refuse_errno(err, "cannot write to '%s'", o->file);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    dump = g_new0(NetDump, 1);
    *dump = (NetDump){ g_strdup(o->netdev), g_strdup(o->file), fd,
                       MIN(o->maxlen, NET_FRAME_MAX), o->queue, o->off, false, NULL };
    dump->bytes = g_malloc(sizeof(FrameHeader) + dump->maxlen);
    if (!netdev_add_filter(nd, o->id, o->position, o->before, write_frame, dump, err)) {
        net_dump_close(dump);
        return NULL;
    }
    return dump;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap's options, descriptors and scripts: see tap.c.  The main thread.
 */

#include "net/stream.h"
#include "net/tap.h"
#include "net/vhost.h"
#include "net/wake.h"

#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char vhost_device[] = "/dev/vhost-net";
const Field tap_options[] = STATE_ROWS(TapConfig, TAP_ROWS);

/* ---- opening ---- */

static bool take_queue(Tap *tap, unsigned n, int fd, GError **err)
{
    TapQueue *q = &tap->queue[n];
    struct ifreq got = { 0 };
    int header = sizeof(NetOffload), sndbuf;

    *q = (TapQueue){ .tap = tap, .n = n, .fd = fd, .vhost = -1, .attached = true };
    if (ioctl(fd, TUNGETIFF, &got) < 0) {
        return net_refuse_errno(err, "fd %d is not that of a tap device", fd);
    }
    if (!(got.ifr_flags & IFF_TAP) || !(got.ifr_flags & IFF_NO_PI)) {
        return net_refuse(err, "fd %d is a tun device, or one that prefixes frames",
                          fd);
    }
    memcpy(tap->name, got.ifr_name, sizeof tap->name);
    tap->headers = got.ifr_flags & IFF_VNET_HDR;
    if (tap->headers && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0) {
        return net_refuse_errno(err, "the tap device's header can't be set");
    }
    sndbuf = tap->config.sndbuf ? MIN(tap->config.sndbuf, INT_MAX) : INT_MAX;
    ioctl(fd, TUNSETSNDBUF, &sndbuf);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    q->bytes = g_malloc(TAP_BUFFER_BYTES);
    return true;
}

static bool make_queue(Tap *tap, unsigned n, GError **err)
{
    const TapConfig *c = &tap->config;
    const char *name = *tap->name ? tap->name : c->ifname ? c->ifname : "tap%d";
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = { 0 };

    if (fd < 0) {
        return net_refuse_errno(err, "cannot open /dev/net/tun");
    }
    request.ifr_flags = IFF_TAP | IFF_NO_PI | (c->vnet_hdr ? IFF_VNET_HDR : 0) |
                        (c->queues > 1 ? IFF_MULTI_QUEUE : 0);
    g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        net_refuse_errno(err, "could not configure /dev/net/tun (%s)", name);
        close(fd);
        return false;
    }
    return take_queue(tap, n, fd, err);
}

static bool take_fds(Tap *tap, GError **err)
{
    const TapConfig *c = &tap->config;
    g_auto(GStrv) fds = g_strsplit(c->fds ? c->fds : c->fd, ":", -1);
    unsigned n = g_strv_length(fds);
    int fd;

    if (n > NET_QUEUES_MAX || n == 0) {
        return net_refuse(err, "fds: there may be 1 to %d", NET_QUEUES_MAX);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!net_take_fd(fds[i], &fd, NULL, err) || !take_queue(tap, i, fd, err)) {
            return false;
        }
    }
    tap->nd.queues = n;
    return true;
}

/* vhostfd=, vhostfds= or the host's device, one for each queue. */
static bool open_vhosts(Tap *tap, GError **err)
{
    const TapConfig *c = &tap->config;
    const char *given = c->vhostfds ? c->vhostfds : c->vhostfd;
    g_auto(GStrv) fds = given ? g_strsplit(given, ":", -1) : NULL;

    if (fds && g_strv_length(fds) != tap->nd.queues) {
        return net_refuse(err, "vhostfds: %u are needed, one for each pair of queues",
                          tap->nd.queues);
    }
    if (!tap->headers) {
        return net_refuse(err, "vhost=on needs vnet_hdr=on");
    }
    for (unsigned i = 0; i < tap->nd.queues; i++) {
        int *fd = &tap->queue[i].vhost;

        if (fds && !net_take_fd(fds[i], fd, NULL, err)) {
            return false;
        }
        if (!fds && (*fd = open(vhost_device, O_RDWR | O_CLOEXEC)) < 0) {
            return net_refuse_errno(err, "vhost=on: cannot open %s", vhost_device);
        }
        if (!vhost_own(*fd)) {
            return net_refuse_errno(err, "vhost=on: VHOST_SET_OWNER");
        }
    }
    return true;
}

/* "PROGRAM IFNAME"; it must succeed. */
static bool run_script(const char *script, const char *ifname, GError **err)
{
    char *argv[] = { (char *)script, (char *)ifname, NULL };
    int status;

    if (!script || !*script || strcmp(script, "no") == 0) {
        return true;
    }
    return g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                        &status, err) &&
           (status == 0 || net_refuse(err, "script %s failed with status %d", script,
                                      status >> 8));
}

static bool tap_check(const TapConfig *c, GError **err)
{
    if ((c->fd || c->fds) && (c->ifname || c->script || c->downscript)) {
        return net_refuse(err, "ifname=, script= and downscript= are invalid with fd= "
                          "and fds=");
    }
    if (c->fd && c->fds) {
        return net_refuse(err, "fd= and fds= exclude each other");
    }
    if (c->helper && (c->fd || c->fds || c->ifname || c->script || c->downscript ||
                      c->queues > 1)) {
        return net_refuse(err, "ifname=, queues=, fd=, fds=, script= and downscript= "
                          "are invalid with helper=");
    }
    if (c->br && !c->helper) {
        return net_refuse(err, "br= is for helper=; -netdev bridge has QEMU's");
    }
    if (c->vhostfd && c->vhostfds) {
        return net_refuse(err, "vhostfd= and vhostfds= exclude each other");
    }
    if ((c->vhost || c->vhostforce) && !c->vhostfd && !c->vhostfds &&
        access(vhost_device, R_OK | W_OK) < 0) {
        return net_refuse_errno(err, "vhost=on: cannot open %s", vhost_device);
    }
    return true;
}

static void prepare(Tap *tap)
{
    pthread_mutex_init(&tap->lock, NULL);
    for (unsigned i = 0; i < NET_QUEUES_MAX; i++) {
        tap->queue[i].fd = tap->queue[i].vhost = -1;
    }
}

/* All queues have their descriptors. */
static void begin(Tap *tap)
{
    tap->nd.takes = tap->headers ? NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN : 0;
    tap_changed(&tap->nd);
    tap_work(&tap->nd, true);
}

static bool take_helped(Tap *tap, const char *helper, const char *bridge, GError **err)
{
    int fd;

    return tap_from_helper(helper, bridge, &fd, err) && take_queue(tap, 0, fd, err);
}

bool tap_open_helped(Netdev *nd, const char *helper, const char *bridge, GError **err)
{
    Tap *tap = tap_of(nd);

    prepare(tap);
    if (!take_helped(tap, helper, bridge, err)) {
        return false;
    }
    begin(tap);
    return true;
}

static bool make_queues(Tap *tap, GError **err)
{
    for (unsigned i = 0; i < tap->config.queues; i++) {
        if (!make_queue(tap, i, err)) {
            return false;
        }
    }
    tap->nd.queues = tap->config.queues;
    return true;
}

bool tap_open(Netdev *nd, GError **err)
{
    Tap *tap = tap_of(nd);
    const TapConfig *c = &tap->config;

    prepare(tap);
    if (!tap_check(c, err) ||
        !(c->helper ? take_helped(tap, c->helper, c->br, err)
          : c->fd || c->fds ? take_fds(tap, err) : make_queues(tap, err))) {
        return false;
    }
    tap->vhost = c->vhost || c->vhostforce || c->vhostfd || c->vhostfds;
    if (tap->vhost && !open_vhosts(tap, err)) {
        return false;
    }
    begin(tap);
    return run_script(c->script, tap->name, err);
}

static void close_queue(TapQueue *q)
{
    if (q->fd >= 0) {
        close(q->fd);
    }
    if (q->vhost >= 0) {
        close(q->vhost);
    }
    g_free(q->bytes);
}

void tap_close(Netdev *nd)
{
    Tap *tap = tap_of(nd);

    if (*tap->name) {
        g_autoptr(GError) err = NULL;

        if (!run_script(tap->config.downscript, tap->name, &err)) {
            warn_user("netdev '%s': %s", nd->config->id, err->message);
        }
    }
    tap_work(nd, false);
    for (unsigned i = 0; i < NET_QUEUES_MAX; i++) {
        if (tap->queue[i].tap) {
            close_queue(&tap->queue[i]);
        }
    }
    pthread_mutex_destroy(&tap->lock);
}


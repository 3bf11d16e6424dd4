/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tap interfaces that a helper makes: a program, as a rule QEMU's qemu-bridge-helper,
 * which may do what this process may not.  It is started with
 *
 *     HELPER --use-vnet --fd=N --br=BRIDGE
 *
 * makes an interface, adds it to the bridge, and sends its descriptor through socket N.
 * HELPER with a blank in it is a shell's command line; if that names a bridge itself,
 * --br is left out.  The kind `bridge` is that and nothing else.  The main thread.
 */

#include "net/tap.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char default_helper[] = "/usr/lib/qemu/qemu-bridge-helper";
static const char default_bridge[] = "br0";

static bool is_command_line(const char *helper)
{
    return strpbrk(helper, " \t") != NULL;
}

/* NULL-terminated; to be freed with g_strfreev. */
static char **helper_words(const char *helper, const char *bridge, int fd)
{
    g_autofree char *fd_word = g_strdup_printf("--fd=%d", fd);
    g_autofree char *br_word = g_strdup_printf("--br=%s", bridge);
    const char *plain[] = { helper, "--use-vnet", fd_word, br_word, NULL };
    const char *shell[] = { "/bin/sh", "-c", NULL, NULL };
    g_autofree char *line = NULL;

    if (!is_command_line(helper)) {
        return g_strdupv((char **)plain);
    }
    line = g_strdup_printf("%s --use-vnet %s %s", helper, fd_word,
                           strstr(helper, "--br=") ? "" : br_word);
    shell[2] = line;
    return g_strdupv((char **)shell);
}

/* -1: there was none. */
static int receive_fd(int from)
{
    char byte, control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec iov = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof control,
    };
    const struct cmsghdr *header;
    int fd = -1;

    if (recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) {
        return -1;
    }
    header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET &&
        header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof fd)) {
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    }
    return fd;
}

/* What it sent waits in the socket when it has ended; its complaints are on stderr. */
static bool run_helper(const char *helper, const char *bridge, const int *ends, int *fd,
                       GError **err)
{
    g_auto(GStrv) words = helper_words(helper, bridge, ends[1]);
    int status;

    if (!is_command_line(helper) && access(helper, X_OK) < 0) {
        return net_refuse_errno(err, "bridge helper '%s'", helper);
    }
    if (!g_spawn_sync(NULL, words, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL,
                      NULL, NULL, &status, err)) {
        return false;
    }
    *fd = receive_fd(ends[0]);
    if (status != 0 || *fd < 0) {
        if (*fd >= 0) {
            close(*fd);
        }
        return net_refuse(err, status ? "bridge helper '%s' failed for bridge '%s'"
                          : "bridge helper '%s' sent no interface for bridge '%s'",
                          helper, bridge);
    }
    return true;
}

/* Others of this process's descriptors are closed when the helper starts. */
bool tap_from_helper(const char *helper, const char *bridge, int *fd, GError **err)
{
    int ends[2];
    bool good;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
        return net_refuse_errno(err, "no pair of sockets for the bridge helper");
    }
    good = run_helper(helper ? helper : default_helper,
                      bridge ? bridge : default_bridge, ends, fd, err);
    close(ends[0]);
    close(ends[1]);
    return good;
}

/* ---- the kind ---- */

static const Field bridge_options[] = STATE_ROWS(BridgeConfig, BRIDGE_ROWS);

static bool bridge_open(Netdev *nd, GError **err)
{
    const BridgeConfig *c = &tap_of(nd)->bridge;

    return tap_open_helped(nd, c->helper, c->br, err);
}

const NetKind net_bridge = {
    TAP_KIND,
    .name = "bridge",
    .help = "a tap interface in a bridge, made by a helper that may",
    .config = bridge_options, .config_at = offsetof(Tap, bridge),
    .open = bridge_open,
};

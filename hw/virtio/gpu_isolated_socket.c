/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket between the machine and the isolated renderer: see gpu_isolated.h.  What
 * comes is taken for an answer only when all of it is there and it can be one.
 */

#include "hw/virtio/gpu_isolated.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, READ_MOST = 64 << 20 };

bool isolated_write(Renderer *r)
{
    union { struct cmsghdr align; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec iov = { r->out->data + r->sent, r->out->len - r->sent };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (r->fd >= 0) {
        memset(&control, 0, sizeof control);
        control.align = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET,
                                          SCM_RIGHTS };
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        memcpy(CMSG_DATA(&control.align), &r->fd, sizeof(int));
    }
    n = sendmsg(r->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (r->fd >= 0) {
        close(r->fd);
        r->fd = -1;
    }
    r->sent += n;
    if (r->sent == r->out->len) {
        r->sent = 0;
        g_byte_array_set_size(r->out, 0);
    }
    return true;
}

/* One answer, if all of it has come.  False: it can't be one. */
static bool take_answer(Renderer *r, bool *taken)
{
    IsolatedAnswer answer;

    *taken = false;
    if (r->in->len < sizeof answer) {
        return true;
    }
    memcpy(&answer, r->in->data, sizeof answer);
    if (answer.bytes > isolated_most(r, &answer)) {
        return false;
    }
    if (r->in->len < sizeof answer + answer.bytes) {
        return true;
    }
    if (!answer.number) {
        g_autofree char *text = g_strndup((char *)r->in->data + sizeof answer,
                                          answer.bytes);
        g_autofree char *printable = g_utf8_make_valid(text, -1);

        r->host.log(g_strdelimit(printable, "\r\n\033", ' '));
    } else if (!isolated_answer(r, &answer, r->in->data + sizeof answer)) {
        return false;
    }
    *taken = true;
    g_byte_array_remove_range(r->in, 0, sizeof answer + answer.bytes);
    return true;
}

/* Bytes that are read at once: what is missing of a large answer. */
static u32 wanted(const Renderer *r)
{
    IsolatedAnswer answer;
    u64 all;

    if (r->in->len < sizeof answer) {
        return READ_BYTES;
    }
    memcpy(&answer, r->in->data, sizeof answer);
    all = sizeof answer + answer.bytes;
    return CLAMP(all - r->in->len, READ_BYTES, READ_MOST);
}

const char *isolated_read(Renderer *r, bool *gone)
{
    u32 had = r->in->len, want = wanted(r);
    bool taken = true;
    ssize_t n;

    g_byte_array_set_size(r->in, had + want);
    n = recv(r->socket, r->in->data + had, want, MSG_DONTWAIT);
    g_byte_array_set_size(r->in, had + MAX(n, 0));
    *gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    while (taken) {
        if (!take_answer(r, &taken)) {
            return "said what can't be and was ended";
        }
    }
    return NULL;
}

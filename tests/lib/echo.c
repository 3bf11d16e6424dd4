/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device for tests: see echo.h.  Under the machine lock.
 */

#include "tests/lib/echo.h"

#include <string.h>

const Field echo_rows[] = STATE_ROWS(EchoState, ECHO_STATE_ROWS);

/* ---- queue 0 ---- */

static void answer(Chain *chain)
{
    size_t n = MIN(MIN(chain_left(chain), chain_room(chain)), ECHO_MOST);
    g_autofree u8 *bytes = g_malloc(n);

    if (chain_get(chain, bytes, n)) {
        chain_put(chain, bytes, n);
    }
    chain_done(chain);
}

void echo_serve(VirtioDevice *virtio, Chain *chain)
{
    Echo *echo = echo_of(virtio);

    if (echo->hold && echo->n_held < G_N_ELEMENTS(echo->held)) {
        echo->held[echo->n_held++] = chain;
    } else {
        answer(chain);
    }
}

void echo_release(Echo *echo, unsigned i)
{
    Chain *chain = echo->held[i];

    echo->held[i] = echo->held[--echo->n_held];
    answer(chain);
}

void echo_stop(VirtioDevice *virtio)
{
    while (echo_of(virtio)->n_held) {
        echo_release(echo_of(virtio), 0);
    }
}

/* ---- queue 1 ---- */

static void copy(struct iovec *to, struct iovec *from)
{
    while (to->iov_len == 0 && from->iov_len) {
        to++;
    }
    while (from->iov_len) {
        size_t n = MIN(from->iov_len, to->iov_len);

        memmove(to->iov_base, from->iov_base, n);       /* the guest may say so */
        from->iov_base = (u8 *)from->iov_base + n;
        from->iov_len -= n;
        to->iov_base = (u8 *)to->iov_base + n;
        to->iov_len -= n;
        from += from->iov_len == 0;
        to += to->iov_len == 0;
    }
}

void echo_spans(VirtioDevice *virtio, Chain *chain)
{
    g_autofree struct iovec *from = g_new0(struct iovec, VIRTQ_SIZE_MAX + 1);
    g_autofree struct iovec *to = g_new0(struct iovec, VIRTQ_SIZE_MAX + 1);
    unsigned n_from = VIRTQ_SIZE_MAX, n_to = VIRTQ_SIZE_MAX;
    size_t room = chain_room(chain), n = room ? MIN(room - 1, chain_left(chain)) : 0;

    (void)virtio;
    if (n && chain_span_out(chain, n, from, &n_from) &&
        chain_span_in(chain, n, to, &n_to)) {
        copy(to, from);
    }
    if (room) {
        chain_status(chain, ECHO_STATUS);
    }
    chain_done(chain);
}

/* ---- queue 2 ---- */

bool echo_emit(Echo *echo, const void *bytes, size_t n)
{
    Chain *chain = virtqueue_pop(virtio_queue(&echo->virtio, SOURCE));

    if (!chain) {
        return false;
    }
    chain_put(chain, bytes, n);
    chain_done(chain);
    return true;
}

/* ---- configuration space ---- */

void echo_config_get(VirtioDevice *virtio, u8 *bytes)
{
    memcpy(bytes, echo_of(virtio)->state.scratch, virtio->type->config_size);
}

void echo_config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes, unsigned n)
{
    memcpy(echo_of(virtio)->state.scratch + offset, bytes, n);
}

const VirtioType echo_type = {
    ECHO_DEVICE("virtio-echo"),
    ECHO_QUEUES(echo_serve),
    .config_get = echo_config_get,
    .config_set = echo_config_set,
    .stop       = echo_stop,
};

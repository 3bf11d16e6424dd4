/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls on a loop: see wake.h.
 */

#include "net/wake.h"

typedef struct {
    GSource source;
    NetWakeFn *fn;
    void *opaque;
} Wake;

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer no_data)
{
    Wake *wake = (Wake *)source;

    (void)unused, (void)no_data;
    g_source_set_ready_time(source, -1);
    wake->fn(wake->opaque);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = { .dispatch = dispatch };

GSource *net_wake_new(GMainContext *loop, NetWakeFn *fn, void *opaque)
{
    GSource *source = g_source_new(&functions, sizeof(Wake));
    Wake *wake = (Wake *)source;

    wake->fn = fn;
    wake->opaque = opaque;
    g_source_attach(source, loop);
    return source;
}

void net_wake_free(GSource *wake)
{
    if (wake) {
        g_source_destroy(wake);
        g_source_unref(wake);
    }
}

void net_wake(GSource *wake)
{
    g_source_set_ready_time(wake, 0);
}

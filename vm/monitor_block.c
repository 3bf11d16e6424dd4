/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's commands for disks.  The main thread.
 */

#include "block/block.h"
#include "base/keyval.h"
#include "vm/monitor_inside.h"

static void answer(MonitorCall *call, const GError *err)
{
    if (err) {
        say(call, "Error: %s\n", err->message);
    }
}

void monitor_info_block(MonitorCall *call)
{
    blocks_describe(call->out);
}

/* A size is bytes with a suffix, or MiB. */
void monitor_block_resize(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *size = g_strstrip(g_strdup(call->rest));
    u64 bytes;

    if (!size_parse(size, MiB, &bytes)) {
        say(call, "Error: '%s' is not a size such as 100 (MiB) or 2G\n", size);
        return;
    }
    (void)!block_resize(call->word, bytes, &err);
    answer(call, err);
}

void monitor_eject(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    bool force = g_str_has_prefix(call->rest, "-f ");
    const char *id = force ? call->rest + 3 : call->rest;
    g_autofree char *name = g_strstrip(g_strdup(id));

    (void)!block_eject(name, force, &err);
    answer(call, err);
}

/* change DEVICE FILE [FORMAT] */
void monitor_change(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    g_auto(GStrv) words = g_strsplit_set(call->rest, " ", 2);

    if (!words[0]) {
        say(call, "change: a file name is missing\n");
        return;
    }
    (void)!block_change(call->word, words[0], words[1], &err);
    answer(call, err);
}

void monitor_commit(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;

    (void)!block_commit(call->word, &err);
    answer(call, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands for snapshots: savevm, fork, loadvm, info snapshots.  The main thread. */

#include "vm/monitor_inside.h"

#include "base/keyval.h"
#include "vm/snapshot.h"

#include <string.h>

enum { FORK_MAX = 1000 };

void monitor_savevm(MonitorCall *call)
{
    unsigned how = SAVE_BEHIND | (call->flag ? SAVE_ALL : 0);
    g_autoptr(GError) err = NULL;
    SnapshotSaid said;

    g_strstrip(call->rest);
    if (!*call->rest) {
        say(call, "Error: savevm needs a name, or a folder's with a '/'\n");
    } else if (!snapshot_save_attached(call->rest, how, &said, &err)) {
        say(call, "Error: %s\n", err->message);
    } else {
        say(call, "%.1f MiB of memory in %.2f s; the machine stood for %.1f ms\n",
            said.ram_written / (double)MiB, said.took_ns / 1e9, said.pause_ns / 1e6);
    }
}

void monitor_fork(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    u64 n;

    g_strstrip(call->rest);
    if (!number_parse(call->word, 1, FORK_MAX, &n) || !*call->rest) {
        say(call, "Error: fork needs a number up to %d, and a snapshot's name\n",
            FORK_MAX);
    } else if (!snapshot_fork_attached(n, call->rest, call->out, &err)) {
        say(call, "Error: %s\n", err->message);
    }
}

void monitor_loadvm(MonitorCall *call)
{
    say(call, "Error: a machine that runs does not become another one; "
        "start one with -loadvm %s: it is there in milliseconds\n",
        *call->rest ? g_strstrip(call->rest) : "NAME");
}

void monitor_info_snapshots(MonitorCall *call)
{
    g_autofree char *store = snapshot_store();
    g_autoptr(GDir) dir = g_dir_open(store, 0, NULL);
    const char *name;
    unsigned n = 0;
    u64 written;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *state = g_build_filename(store, name, "state", NULL);

        if (g_file_test(state, G_FILE_TEST_EXISTS) && !strstr(name, ".new.")) {
            say(call, "%s%s\n", n++ ? "" : "List of snapshots present on all disks:\n",
                name);
        }
    }
    if (!n) {
        say(call, "There is no snapshot in %s\n", store);
    }
    name = snapshot_under_way(&written);
    if (name) {
        say(call, "Being written: %s, %.0f MiB of memory so far\n", name,
            written / (double)MiB);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fork N NAME`: the machine goes on, and N more start from this moment.  They are runs
 * of a snapshot that is saved behind the machine's back, and so share its memory until
 * they write.  Child i has a folder NAME.i of its own:
 *
 *     serial0, ...   its serial ports, sockets that wait for nobody
 *     monitor        its monitor, likewise
 *     log            what it says
 *
 * A port that the user network forwards is this machine's already: the child's is any
 * free one (`info usernet` in its monitor).  Main thread.
 */

#include "vm/snapshot.h"

#include "base/keyval.h"
#include "base/spawn.h"
#include "block/block.h"
#include "block/overlay.h"
#include "vm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A child would lose the image below it as soon as its parent writes. */
static bool disks_stay(GError **err)
{
    for (Block *block = block_next(NULL); block; block = block_next(block)) {
        BlockNode *root = block_root(block);

        if (root && !block_is_readonly(block) && !node_is_overlay(root)) {
            return snapshot_refuse(err, "disk '%s' is written directly: start with "
                                   "-snapshot", block_id(block));
        }
    }
    return true;
}

/* ---- a child's command line ---- */

static void add(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strconcat("-", option, NULL));
    g_ptr_array_add(argv, value);
}

/* "tcp:127.0.0.1:2222-:22" with 0, any port, on the host's side. */
static char *any_port(const char *rule)
{
    const char *dash = strrchr(rule, '-');
    const char *colon = dash ? g_strrstr_len(rule, dash - rule, ":") : NULL;

    return colon ? g_strdup_printf("%.*s0%s", (int)(colon + 1 - rule), rule, dash)
                 : g_strdup(rule);
}

static char *with_any_ports(const char *value)
{
    g_autoptr(KeyVals) kv = keyvals_parse(value, "type", NULL);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; kv && i < kv->n; i++) {
        const KeyVal *pair = &kv->pair[i];
        g_autofree char *port = strcmp(pair->key, "hostfwd") == 0
                                ? any_port(pair->value) : g_strdup(pair->value);
        g_auto(GStrv) parts = g_strsplit(port, ",", -1);
        g_autofree char *escaped = g_strjoinv(",,", parts);

        if (strcmp(pair->key, "type") != 0) {
            g_string_append_printf(text, "%s%s=", i ? "," : "", pair->key);
        }
        g_string_append(text, escaped);
    }
    return g_string_free(text, FALSE);
}

static void add_nets(GPtrArray *argv, const VmConfig *config)
{
    static const char *const nets[] = { "netdev", "nic", "net", NULL };

    for (unsigned i = 0; i < config->words->len; i += 2) {
        const char *option = config->words->pdata[i];

        if (g_strv_contains(nets, option)) {
            add(argv, option, with_any_ports(config->words->pdata[i + 1]));
        }
    }
}

static char *socket_in(const char *dir, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(dir, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    return g_strdup_printf("unix:%s/%s,server=on,wait=off", escaped, name);
}

static GPtrArray *command_line(const VmConfig *config, const char *path,
                               const char *dir)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(path, ",", -1);

    g_ptr_array_add(argv, g_strdup("mayfly"));
    add(argv, "loadvm", g_strjoinv(",,", parts));
    add(argv, "display", g_strdup("none"));
    add(argv, "monitor", socket_in(dir, "monitor"));
    for (unsigned i = 0; i < config->serial->len; i++) {
        g_autofree char *name = g_strdup_printf("serial%u", i);

        add(argv, "serial", strcmp(config->serial->pdata[i], "none") == 0
                            ? g_strdup("none") : socket_in(dir, name));
    }
    add_nets(argv, config);
    g_ptr_array_add(argv, NULL);
    return argv;
}

/* ---- children ---- */

static void ended(GPid pid, int status, gpointer unused)
{
    (void)status, (void)unused;
    g_spawn_close_pid(pid);
}

static int spawn(char *const *argv, const char *log, pid_t *pid)
{
    posix_spawn_file_actions_t files;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    return spawn_apart("/proc/self/exe", argv, &files, pid);
}

static bool start_child(const VmConfig *config, const char *path, unsigned i,
                        GString *said, GError **err)
{
    g_autofree char *dir = g_strdup_printf("%s.%u", path, i);
    g_autofree char *log = g_build_filename(dir, "log", NULL);
    g_autoptr(GPtrArray) argv = command_line(config, path, dir);
    pid_t pid;
    int error = mkdir(dir, 0700) && errno != EEXIST ? errno : 0;

    error = error ? error : spawn((char *const *)argv->pdata, log, &pid);
    if (error) {
        return snapshot_refuse(err, "%s: %s", dir, g_strerror(error));
    }
    g_child_watch_add(pid, ended, NULL);
    g_string_append_printf(said, "child %u: process %d, %s\n", i, (int)pid, dir);
    return true;
}

bool snapshot_fork(Vm *vm, const VmConfig *config, unsigned n, const char *name,
                   GString *said, GError **err)
{
    g_autofree char *path = snapshot_path(name);
    SnapshotSaid saved;
    bool done = disks_stay(err) &&
                snapshot_save(vm, config, name, SAVE_BEHIND, &saved, err);

    if (done) {
        g_string_append_printf(said, "the machine stood for %.1f ms\n",
                               saved.pause_ns / 1e6);
    }
    for (unsigned i = 1; done && i <= n; i++) {
        done = start_child(config, path, i, said, err);
    }
    return done;
}

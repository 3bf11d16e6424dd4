/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of their own: see base/spawn.h.
 */

#include "base/spawn.h"

#include <signal.h>

extern char **environ;

int spawn_apart(const char *program, char *const *argv,
                posix_spawn_file_actions_t *files, pid_t *pid)
{
    posix_spawnattr_t attr;
    sigset_t none;
    int error;

    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    error = posix_spawn(pid, program, files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(files);
    posix_spawnattr_destroy(&attr);
    return error;
}
